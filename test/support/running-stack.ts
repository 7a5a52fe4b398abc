import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { machineProcesses } from '../../dev/machine/processes.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { ProcessRecord } from '../../dev/servers/data-directory.js';
import { freePorts } from '../../dev/supervisor/temporary-stack.js';
import { eventually } from './eventually.js';
import { IS_SECURED } from './secured-mode.js';
import { TestedStack } from './tested-stack.js';

export interface StackRun {
  readonly dataDirectory: string;
  /** Flags of `npm start`, besides --data. */
  readonly flags?: readonly string[];
  /** Environment variables in addition to the free ports of the run. */
  readonly env?: NodeJS.ProcessEnv;
  /** `npm`: like a user. `supervisor` (the default): without npm, so that the pid is that of the supervisor. */
  readonly by?: 'npm' | 'supervisor';
}

/** A whole stack as in `npm start`, on free ports, in a separate process. It needs a compiled dist/. */
export class RunningStack extends TestedStack {
  private text = '';
  private code: number | null | undefined;
  private readonly exited: Promise<number | null>;

  private constructor(
    private readonly child: ChildProcess,
    dataDirectory: string,
    ports: Readonly<Record<string, string>>,
    given: NodeJS.ProcessEnv,
  ) {
    super(dataDirectory, ports, given);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.text += chunk.toString();
      });
    }
    const exited = Promise.withResolvers<number | null>();
    child.once('exit', (code) => {
      this.code = code;
      exited.resolve(code);
    });
    this.exited = exited.promise;
  }

  get output(): string {
    return this.text;
  }

  /** Starts a stack without waiting for anything. */
  static async launch({ dataDirectory, flags = [], env = {}, by = 'supervisor' }: StackRun): Promise<RunningStack> {
    const ports = await freePorts(flags.includes('--replicated'));
    const args = ['--data', dataDirectory, ...flags, ...(IS_SECURED ? ['--secured'] : [])];
    const [command, before] =
      by === 'npm'
        ? ['npm', ['start', '--silent', '--']]
        : [process.execPath, [join(PROJECT_DIRECTORY, 'dist/dev/start.js')]];
    const child = spawn(command, [...before, ...args], {
      cwd: PROJECT_DIRECTORY,
      env: { ...withoutServers(process.env), ...ports, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new RunningStack(child, dataDirectory, ports, env);
  }

  /** Starts a stack and waits until it is ready. */
  static async start(run: StackRun): Promise<RunningStack> {
    const stack = await RunningStack.launch(run);
    await stack.ready();
    // Without apps there is no issuer either.
    const hasApps = run.flags?.includes('--servers-only') !== true;
    if (hasApps) await stack.sendTokens();
    return stack;
  }

  /** Runs a start that is expected to fail, until it ends. */
  static async fail(run: StackRun): Promise<{ code: number | null; output: string }> {
    const stack = await RunningStack.launch(run);
    const code = await stack.exited;
    return { code, output: stack.output };
  }

  /** Resolves when the stack has printed `ready`; throws with its output if it ends before. */
  async ready(): Promise<void> {
    const early = this.exited.then((code) => {
      throw new Error(`The stack ended with ${code} before it was ready:\n${this.output}`);
    });
    await Promise.race([this.prints('ready'), early]);
    early.catch(() => undefined);
  }

  /** Kills every process at once, as a power failure would. Resolves when all have ended. */
  async killAll(): Promise<void> {
    const processes = this.processes();
    await this.close();
    this.signal('SIGKILL');
    for (const { pid } of processes) machineProcesses.signal(pid, 'SIGKILL');
    await allEnded(processes);
  }

  /** Sends a signal only to the started process: npm or the supervisor. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /**
   * Stops the stack with a signal and waits for its end. Resolves to its exit code; throws if its output or a log has a
   * secret: a password of a secured stack or a token that a spec has sent.
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const processes = this.processes();
    const secrets = this.secrets();
    await this.close();
    this.signal(signal);
    await eventually('the stack ends', () => this.code !== undefined);
    const left = alive(processes);
    if (left.length > 0) throw new Error(`The stack ended before ${left.join(', ')}`);
    this.requireNoneOf(secrets);
    return this.code ?? null;
  }
}

/** Returns the names of those of the processes that still run. */
export function alive(processes: readonly ProcessRecord[]): string[] {
  return processes.filter(({ pid, identity }) => machineProcesses.identityOf(pid) === identity).map(({ name }) => name);
}

/** Resolves when all of the processes have ended. */
export async function allEnded(processes: readonly ProcessRecord[]): Promise<void> {
  await eventually('every process has ended', () => alive(processes).length === 0 || alive(processes));
}

/** Removes the settings of a developer's own servers, so that tests never use them. */
export function withoutServers(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(?:KAFKA|SCHEMA_REGISTRY|MONGODB|AUTH)_/.test(name)),
  );
}
