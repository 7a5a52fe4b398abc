import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { DataDirectory } from '../../dev/servers/data-directory.js';
import type { EmbeddedServers } from '../../dev/servers/embedded-servers.js';
import type { AppCounts } from '../../dev/supervisor/app-definitions.js';
import { AppLogView } from '../../dev/supervisor/app-log-view.js';
import type { RunningApps } from '../../dev/supervisor/running-apps.js';
import { readStackOptions } from '../../dev/supervisor/stack-options.js';
import { Stack } from '../../dev/supervisor/stack.js';
import { freePorts, TestedStack, withoutServers } from './running-stack.js';
import { IS_SECURED } from './secured-mode.js';

export interface StackPlan {
  readonly dataDirectory: string;
  /** Flags of `npm start`, besides --data. */
  readonly flags?: readonly string[];
  /** Environment variables of all apps, and servers that are used instead of embedded ones. */
  readonly env?: NodeJS.ProcessEnv;
  /** How many of each app run, if not as `npm start` does. */
  readonly apps?: Partial<AppCounts>;
}

/**
 * A stack whose supervisor is the spec itself: each app and server is a process that the spec may kill, suspend or start again. It needs a
 * compiled dist/.
 */
export class StackInProcess extends TestedStack {
  private data: DataDirectory | undefined;
  private stack: Stack | undefined;

  /** Resolves when all apps are ready. @throws with its output if one can't start; nothing is left then */
  static async start({ dataDirectory, flags = [], env = {}, apps = {} }: StackPlan): Promise<StackInProcess> {
    const ports = await freePorts(flags.includes('--replicated'));
    const all = { ...withoutServers(process.env), ...ports, ...env };
    const args = ['--data', dataDirectory, ...flags, ...(IS_SECURED ? ['--secured'] : [])];
    const options = readStackOptions(args, all, PROJECT_DIRECTORY);
    const started = new StackInProcess(dataDirectory, ports, env);
    const print = (line: string): void => void (started.text += `${line}\n`);
    started.data = await DataDirectory.open(options.dataDirectory, print);
    started.stack = new Stack(options, all, started.data, { print, view: new AppLogView(print, false) }, apps);
    try {
      await started.stack.start(new AbortController().signal);
      await started.sendTokens();
    } catch (cause) {
      await started.end();
      throw new Error(`The stack did not start:\n${started.output}`, { cause });
    }
    return started;
  }

  get apps(): RunningApps {
    return this.supervisor.apps;
  }

  /** Only of a stack with servers of its own. */
  get servers(): EmbeddedServers {
    return this.supervisor.embedded;
  }

  async stop(): Promise<number | null> {
    const secrets = this.secrets();
    await this.end();
    const left = this.processes().map(({ name }) => name);
    if (left.length > 0) throw new Error(`The stack has stopped before ${left.join(', ')}`);
    this.requireNoneOf(secrets);
    return 0;
  }

  private get supervisor(): Stack {
    if (this.stack === undefined) throw new Error('the stack was not started');
    return this.stack;
  }

  private async end(): Promise<void> {
    await this.stack?.stop();
    this.data?.close();
  }
}
