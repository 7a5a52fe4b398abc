import type { EmbeddedServers } from '../../dev/servers/embedded-servers.js';
import type { AppContext } from '../../dev/supervisor/app-definitions.js';
import type { RunningApps } from '../../dev/supervisor/apps.js';
import type { StackPlan } from '../../dev/supervisor/stack.js';
import { TemporaryStack } from '../../dev/supervisor/temporary-stack.js';
import { emptyServers } from './own-servers.js';
import { IS_SECURED } from './secured-mode.js';
import { TestedStack } from './tested-stack.js';

export interface TestSystemPlan extends StackPlan {
  /** `shared` (the default): those of the Jest worker, with no topics and a new database, if it has some. `own`: the spec may pause, kill and damage them. */
  readonly servers?: 'shared' | 'own';
  /** Flags of `npm start`. */
  readonly flags?: readonly string[];
  /** Environment variables of all apps. */
  readonly env?: NodeJS.ProcessEnv;
  /** A folder that is kept, instead of a temporary one. */
  readonly dataDirectory?: string;
}

/**
 * A whole system whose supervisor is the test itself: each app and server is a process that the test may kill, suspend or start again. It
 * needs a compiled dist/.
 */
export class TestSystem extends TestedStack {
  private stopped: Promise<number | null> | undefined;

  private constructor(
    private readonly stack: TemporaryStack,
    given: NodeJS.ProcessEnv,
    private readonly printed: readonly string[],
  ) {
    super(stack.directory, stack.ports, given);
  }

  /** Resolves when all apps are ready. @throws with its output if one can't start; nothing is left then */
  static async start({ servers = 'shared', flags = [], ...plan }: TestSystemPlan): Promise<TestSystem> {
    const env = { ...(servers === 'shared' && (await emptyServers())), ...plan.env };
    const printed: string[] = [];
    const print = (line: string): void => void printed.push(line);
    const secured = IS_SECURED ? ['--secured'] : [];
    const started = { ...plan, tool: 'orders-test', flags: [...flags, ...secured], env, print };
    const stack = await TemporaryStack.start(started).catch((cause: unknown) => {
      throw new Error(`The system did not start:\n${printed.join('\n')}`, { cause });
    });
    const system = new TestSystem(stack, env, printed);
    // Without apps there is no issuer either.
    if (!flags.includes('--servers-only')) await system.sendTokens();
    return system;
  }

  get output(): string {
    return this.printed.join('\n');
  }

  get apps(): RunningApps {
    return this.stack.apps;
  }

  /** Only of a system with servers of its own. */
  get servers(): EmbeddedServers {
    return this.stack.servers;
  }

  /** What its apps are made from, for more of them. */
  get context(): AppContext {
    return this.stack.context;
  }

  /** Kills every process at once, as a power failure would. Resolves when all have ended: another system may use the data folder then. */
  async killAll(): Promise<void> {
    await this.close();
    await this.stack.crash();
  }

  /** Also the second time: a case may stop the system of its file. */
  stop(): Promise<number | null> {
    this.stopped ??= this.endAndRemove();
    return this.stopped;
  }

  private async endAndRemove(): Promise<number | null> {
    const secrets = this.secrets();
    await this.close();
    await this.stack.end();
    this.requireNoneOf(secrets);
    await this.stack.stop();
    return 0;
  }
}
