import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, freePortsInARow } from '../../dev/machine/ports.js';
import { machineProcesses } from '../../dev/machine/process-table.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { ProcessRecords, type ProcessRecord } from '../../dev/servers/process-records.js';
import { eventually } from './eventually.js';
import { IS_SECURED, requestToken, secretsOfTokens, sendToken, StackCredentials } from './secured-mode.js';

export interface StackRun {
  readonly dataDirectory: string;
  /** Flags of `npm start`, besides --data. */
  readonly flags?: readonly string[];
  /** Environment variables in addition to the free ports of the run. */
  readonly env?: NodeJS.ProcessEnv;
  /** `npm`: like a user. `supervisor` (the default): without npm, so that the pid is that of the supervisor. */
  readonly by?: 'npm' | 'supervisor';
}

/** A stack of `npm start` that a test has started, on free ports. */
export abstract class TestedStack {
  protected text = '';

  protected constructor(
    readonly dataDirectory: string,
    /** The environment variables of the ports: KAFKA_, REGISTRY_, MONGODB_, PRODUCER_, QUERY_API_, CONSOLE_, ISSUER_, FACADE_ and LEGACY_PORT. */
    readonly ports: Readonly<Record<string, string>>,
    /** Servers that the stack uses instead of embedded ones, and other settings. */
    readonly given: NodeJS.ProcessEnv,
  ) {}

  /**
   * Stops it. @returns the exit code, 0 for one that has none
   * @throws Error if a process is left, or if the output or a log has a secret: a password of a secured stack or a token that a spec has sent
   */
  abstract stop(): Promise<number | null>;

  /** What it has printed. */
  get output(): string {
    return this.text;
  }

  private get isReady(): boolean {
    return this.text.split('\n').includes('ready');
  }

  get producerUrl(): string {
    return `http://127.0.0.1:${this.ports['PRODUCER_PORT']}`;
  }

  get consoleUrl(): string {
    return `http://127.0.0.1:${this.ports['CONSOLE_PORT']}`;
  }

  get queryApiUrl(): string {
    return `http://127.0.0.1:${this.ports['QUERY_API_PORT']}`;
  }

  /** Only with `--legacy`. */
  get legacyUrl(): string {
    return `http://127.0.0.1:${this.ports['LEGACY_PORT']}`;
  }

  /** Only with `--legacy`. */
  get facadeUrl(): string {
    return `http://127.0.0.1:${this.ports['FACADE_PORT']}`;
  }

  /** Only with `--auth`. */
  get issuerUrl(): string {
    return `http://127.0.0.1:${this.ports['ISSUER_PORT']}`;
  }

  /** Only of a secured stack. */
  get credentials(): StackCredentials {
    return StackCredentials.in(this.output);
  }

  /** The addresses that require tokens on a secured stack. */
  private get origins(): string[] {
    return [this.producerUrl, this.consoleUrl, this.queryApiUrl];
  }

  /** On a secured stack with the user of the administrator. */
  get mongodbUri(): string {
    if (IS_SECURED) return this.credentials.secret('admin', 'mongodb-uri');
    return this.given['MONGODB_URI'] ?? `mongodb://127.0.0.1:${this.ports['MONGODB_PORT']}/orders?replicaSet=orders`;
  }

  get brokers(): string {
    return this.given['KAFKA_BROKERS'] ?? `127.0.0.1:${this.ports['KAFKA_PORT']}`;
  }

  get registryUrl(): string {
    return this.given['SCHEMA_REGISTRY_URL'] ?? `http://127.0.0.1:${this.ports['REGISTRY_PORT']}/apis/ccompat/v7`;
  }

  /** Waits for a line that equals the text or matches the pattern. */
  prints(line: string | RegExp): Promise<void> {
    const matches = (text: string): boolean => (typeof line === 'string' ? text === line : line.test(text));
    return eventually(`the stack prints ${line}`, () => this.text.split('\n').some(matches)).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.output}`, { cause: error });
    });
  }

  /** Returns the apps and servers that are running. */
  processes(): ProcessRecord[] {
    return new ProcessRecords(this.dataDirectory, machineProcesses).running();
  }

  /** Returns one of the running processes, such as `Kafka` or `consumer-1`. */
  process(name: string): ProcessRecord {
    const found = this.processes().find((record) => record.name === name);
    if (found === undefined) throw new Error(`The process ${name} is not running`);
    return found;
  }

  /** Returns the output and all logs, each with its name. */
  writtenTexts(): [name: string, text: string][] {
    const folder = join(this.dataDirectory, 'logs');
    return [
      ['the output', this.output],
      ...readdirSync(folder).map((name): [string, string] => [name, readFileSync(join(folder, name), 'utf8')]),
    ];
  }

  /** Lets each request of the spec to a secured stack have a token. */
  protected async sendTokens(): Promise<void> {
    if (IS_SECURED) sendToken(await requestToken(this.issuerUrl), this.origins);
  }

  /** The secrets that must not be written anywhere. */
  protected secrets(): string[] {
    return IS_SECURED && this.isReady ? [...this.credentials.passwords(), ...secretsOfTokens()] : [];
  }

  /** @throws Error if the output or a log has one of the secrets */
  protected requireNoneOf(secrets: readonly string[]): void {
    for (const [name, text] of this.writtenTexts()) {
      const leaked = secrets.find((secret) => text.includes(secret));
      if (leaked !== undefined) throw new Error(`A secret is in ${name}: ${around(text, leaked)}`);
    }
  }
}

/** A whole stack as in `npm start`, on free ports, in a separate process. It needs a compiled dist/. */
export class RunningStack extends TestedStack {
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
    this.signal('SIGKILL');
    for (const { pid } of processes) machineProcesses.signal(pid, 'SIGKILL');
    await allEnded(processes);
  }

  /** Sends a signal only to the started process: npm or the supervisor. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /**
   * Stops the stack with a signal and waits for its end. Resolves to its exit code; throws if that takes more than 30 s, or if its output
   * or a log has a secret: a password of a secured stack or a token that a spec has sent.
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const processes = this.processes();
    const secrets = this.secrets();
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

function around(text: string, part: string): string {
  const at = text.indexOf(part);
  return text.slice(Math.max(0, at - 200), at + part.length);
}

export async function freePorts(isReplicated: boolean): Promise<Record<string, string>> {
  const ports: Record<string, string> = {};
  for (const setting of ['KAFKA_PORT', 'MONGODB_PORT'])
    ports[setting] = String(await freePortsInARow(isReplicated ? 3 : 1));
  for (const setting of [
    'REGISTRY_PORT',
    'PRODUCER_PORT',
    'QUERY_API_PORT',
    'CONSOLE_PORT',
    'ISSUER_PORT',
    'FACADE_PORT',
    'LEGACY_PORT',
  ])
    ports[setting] = String(await freePort());
  return ports;
}

/** Removes the settings of a developer's own servers, so that tests never use them. */
export function withoutServers(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(?:KAFKA|SCHEMA_REGISTRY|MONGODB|AUTH)_/.test(name)),
  );
}
