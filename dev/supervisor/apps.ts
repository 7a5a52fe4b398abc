import { endingOf } from '../machine/child-processes.js';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { LogFile, readLastLines } from '../servers/log-file.js';
import type { ProcessRecords } from '../servers/data-directory.js';
import type { ServerGuard } from '../servers/server.js';
import { AppLogView } from './terminal.js';
import { setTimeout as delay } from 'node:timers/promises';
import { interruptiblePause } from '../waits.js';
import { RestartBackoff, restartLine } from '../machine/restarts.js';
import { StackError } from '../stack-error.js';
import { timeLimit } from '#orders/time-limit.js';
import { signalIfRunning } from '../machine/processes.js';

/** V8 keeps compiled modules here: an app starts with a third less CPU time. */
const COMPILE_CACHE = join(PROJECT_DIRECTORY, 'dist', '.compile-cache');

/** V8's memory limits of one process, in MiB. */
export interface Heap {
  /** The size of the old generation; by default V8 uses what the machine has. */
  readonly oldMiB?: number;
  /** The size of one half of the young generation. Up to three times as much is resident. */
  readonly youngMiB: number;
  /** By how many per cent the old generation may grow after a full collection before the next one; by default V8 decides. */
  readonly growthPercent?: number;
}

/**
 * Returns the V8 flags of an app. All objects start in the young generation: by default, if most objects of a literal survive the first
 * collections, V8 allocates all later ones in the old generation (pretenuring). There, a dead chunk of orders keeps its records alive until
 * the next full collection. That more than doubled the producer's CPU time for an order, and hit one of three query APIs.
 */
export function heapFlags({ oldMiB, youngMiB, growthPercent }: Heap): string[] {
  return [
    '--enable-source-maps',
    ...(oldMiB === undefined ? [] : [`--max-old-space-size=${oldMiB}`]),
    `--max-semi-space-size=${youngMiB}`,
    ...(growthPercent === undefined ? [] : [`--heap-growing-percent=${growthPercent}`]),
    '--no-allocation-site-pretenuring',
  ];
}

/** How to run one of the services. */
export interface AppDefinition {
  /** The displayed name, such as `consumer-1`. */
  readonly name: string;
  /** The job label in Prometheus, such as `consumer`; `undefined`: it has no metrics. */
  readonly job: string | undefined;
  readonly script: string;
  readonly heap: Heap;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}

/** The parts of the stack that an app needs. `guard` is undefined if no server is embedded. */
interface AppEnvironment {
  readonly records: ProcessRecords;
  readonly guard: ServerGuard | undefined;
  readonly view: AppLogView;
  /** Called by each process of an app once it listens. */
  readonly onListening: (app: AppDefinition, url: string) => void;
  /** Called with each request of the console. */
  readonly onRequest: (request: ConsoleRequest) => void;
  /** Called when a process has ended. `wasRequested`: it ended on request. */
  readonly onEnded?: (app: AppDefinition, ending: Ending, wasRequested: boolean) => void;
}

/** How a process ended: its exit code or the signal. */
type Ending = string;

/** One running process of an app, from its start to its end. */
class AppProcess {
  /** The URL that it listens at, once it has reported that. */
  url: string | undefined;
  /** Resolves when the process has ended for any reason. Its last lines may arrive later. */
  readonly ended: Promise<Ending>;
  /** Resolves when all of its lines are in the log. */
  readonly logged: Promise<unknown>;
  private readonly child: ChildProcess;
  private gone = false;

  constructor(definition: AppDefinition, log: LogFile, surroundings: AppEnvironment) {
    const { name, script, heap, env } = definition;
    const { records, guard, view } = surroundings;
    // Detached: Ctrl-C in the terminal must reach only the supervisor. The IPC channel shows the app when the supervisor dies.
    const child = spawn(process.execPath, [...heapFlags(heap), script], {
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...(guard === undefined ? [] : [guard.inheritable])],
    });
    this.child = child;
    const { pid } = child;
    if (pid !== undefined) records.add('app', name, pid);
    const outputs = [child.stdout, child.stderr].filter((stream) => stream !== null);
    this.logged = Promise.all(
      outputs.map(async (input) => {
        const lines = createInterface({ input }).on('line', (line) => {
          log.write(line);
          view.show(name, line);
        });
        await once(lines, 'close');
      }),
    );
    child.on('message', (message) => {
      if (isListening(message)) {
        this.url = message.url;
        surroundings.onListening(definition, message.url);
      }
      const request = readConsoleRequest(message);
      if (request !== undefined) surroundings.onRequest(request);
    });
    this.ended = endingOf(child).finally(() => {
      this.gone = true;
      if (pid !== undefined) records.remove(pid);
    });
  }

  get hasEnded(): boolean {
    return this.gone;
  }

  /**
   * Sends SIGTERM, so that the app drains, and waits for its end; sends SIGKILL after `budgetMs`.
   * Resolves to false if it had to be killed: uncommitted records will be redelivered.
   */
  async stop(budgetMs: number): Promise<boolean> {
    let drained = true;
    this.child.kill('SIGTERM');
    const killer = setTimeout(() => {
      drained = false;
      this.kill();
    }, budgetMs);
    await this.ended;
    clearTimeout(killer);
    return drained;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Returns whether its readiness endpoint reports ready. */
  async isReady(): Promise<boolean> {
    if (this.url === undefined) return false;
    try {
      const response = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(5_000) });
      await response.arrayBuffer();
      return response.ok;
    } catch (error) {
      // The app is starting, busy or ending; other checks detect which.
      if (error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')) return false;
      throw error;
    }
  }
}

function isListening(message: unknown): message is { type: 'listening'; url: string } {
  if (typeof message !== 'object' || message === null || !('type' in message) || !('url' in message)) return false;
  return message.type === 'listening' && typeof message.url === 'string';
}

/** Only a start that hangs takes this long, on a slow machine too. */
const READY_WITHIN_MS = timeLimit(180_000);
const READY_CHECK_MS = 150;
/** An app that crashes this often before it was ever ready is not expected to recover. */
const CRASHES_BEFORE_READY = 3;

/** Keeps a service running: restarts it with back-off whenever it ends, without limit once it was ready. */
export class App {
  private readonly log: LogFile;
  private readonly stopped = new AbortController();
  private readonly firstReady = Promise.withResolvers<void>();
  private current: AppProcess | undefined;
  private wasReady = false;
  /** When the current process got ready, by `performance.now()`. */
  private readySince: number | undefined;
  private isRestarting = false;
  private readonly backoff = new RestartBackoff();
  private keeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly definition: AppDefinition,
    private readonly surroundings: AppEnvironment,
    private readonly print: (line: string) => void,
  ) {
    this.log = new LogFile(definition.logFile);
  }

  get name(): string {
    return this.definition.name;
  }

  /** The kind of app. */
  get job(): string | undefined {
    return this.definition.job;
  }

  get url(): string | undefined {
    return this.current?.url;
  }

  /** Resolves when it is ready for the first time. Rejects with `app-failed` after a minute or three crashes without that. */
  start(): Promise<void> {
    const overdue = setTimeout(() => {
      this.firstReady.reject(this.failure(`was not ready within ${READY_WITHIN_MS / 1000} s`));
    }, READY_WITHIN_MS);
    this.keeping = this.keepRunning();
    return this.firstReady.promise.finally(() => clearTimeout(overdue));
  }

  /** Stops the app for good. Resolves to false if it didn't drain within `budgetMs` and was killed. */
  async stop(budgetMs: number): Promise<boolean> {
    this.stopped.abort();
    this.firstReady.reject(new Error(`${this.name} was stopped before it was ready`));
    const drained = (await this.current?.stop(budgetMs)) ?? true;
    await Promise.all([this.keeping, this.current?.logged]);
    await this.log.close();
    return drained;
  }

  kill(): void {
    this.stopped.abort();
    this.current?.kill();
  }

  /** Drains the app and restarts it with the current code on disk. */
  async restart(budgetMs: number): Promise<void> {
    // An app that waits for its restart gets the new code anyway.
    if (this.current?.hasEnded !== false) return;
    this.isRestarting = true;
    await this.current.stop(budgetMs);
  }

  private async keepRunning(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      this.readySince = undefined;
      const ending = await this.run();
      const isStopped = this.stopped.signal.aborted;
      this.surroundings.onEnded?.(this.definition, ending, isStopped || this.isRestarting);
      if (isStopped) return;
      if (this.isRestarting) {
        this.isRestarting = false;
        continue;
      }
      const wellMs = this.readySince === undefined ? 0 : performance.now() - this.readySince;
      const restart = this.backoff.next(wellMs);
      if (!this.wasReady && restart.attempt >= CRASHES_BEFORE_READY) {
        this.firstReady.reject(this.failure(`ended ${CRASHES_BEFORE_READY} times before it was ready (${ending})`));
        return;
      }
      this.print(restartLine(this.name, ending, restart));
      await interruptiblePause(restart.delayMs, this.stopped.signal);
    }
  }

  /** Runs one process until it ends. @returns how it ended, or why it could not be run */
  private async run(): Promise<Ending> {
    try {
      const app = new AppProcess(this.definition, this.log, this.surroundings);
      this.current = app;
      const [ending] = await Promise.all([app.ended, this.watchReadiness(app)]);
      return ending;
    } catch (error) {
      this.current?.kill();
      return String(error);
    }
  }

  private async watchReadiness(app: AppProcess): Promise<void> {
    while (!app.hasEnded && !this.stopped.signal.aborted) {
      if (await app.isReady()) {
        if (this.wasReady) this.print(`${this.name} is ready again`);
        this.wasReady = true;
        this.readySince = performance.now();
        this.firstReady.resolve();
        return;
      }
      await Promise.race([delay(READY_CHECK_MS), app.ended]);
    }
  }

  private failure(what: string): StackError {
    const { logFile } = this.definition;
    return new StackError(
      'app-failed',
      `The ${this.name} ${what}. The last lines of its log:\n${readLastLines(logFile)}`,
      `The whole log: ${logFile}`,
    );
  }
}

const POLL_MS = 10;
/** Clean endings of a stopped app. SIGTERM itself ends an app that has just started and has no handler yet. */
const CLEAN_ENDINGS = new Set(['exit code 0', 'SIGTERM']);

export interface RunningAppsOptions extends Partial<Pick<AppEnvironment, 'onListening' | 'onRequest' | 'view'>> {
  /** The environment of the servers that they use. */
  readonly surroundings: Pick<AppEnvironment, 'records' | 'guard'>;
  readonly print: (line: string) => void;
  /** Folder of the compiled product. Default: `dist` of this project. */
  readonly productDirectory?: string;
  /** Called for an app that ended without being stopped or killed by `kill`, and for one that was stopped and did not end cleanly. */
  readonly onEnded?: (name: string, how: string, wasStopped: boolean) => void;
}

/**
 * The apps of a system, each with a name of its own. An app that ends is started again. Their output is in their log files; the error of one
 * that doesn't start has its last lines.
 */
export class RunningApps {
  private readonly apps = new Map<string, App>();
  private readonly killed = new Set<string>();

  constructor(private readonly options: RunningAppsOptions) {}

  /** Resolves when all of them are ready. @throws StackError of the first that can't start */
  async start(...definitions: readonly AppDefinition[]): Promise<void> {
    await Promise.all(definitions.map(async (definition) => this.make(definition).start()));
  }

  /** Adds an app that the caller starts. An app of the same name is replaced, which must have been stopped. */
  make(definition: AppDefinition): App {
    const { surroundings, print, productDirectory = join(PROJECT_DIRECTORY, 'dist') } = this.options;
    const script = join(productDirectory, definition.script.slice(join(PROJECT_DIRECTORY, 'dist').length));
    const environment = {
      ...surroundings,
      view: this.options.view ?? new AppLogView(() => undefined, false),
      onListening: this.options.onListening ?? (() => undefined),
      onRequest: this.options.onRequest ?? (() => undefined),
      onEnded: ({ name }: AppDefinition, ending: string, wasStopped: boolean) => this.ended(name, ending, wasStopped),
    };
    const app = new App({ ...definition, script }, environment, print);
    this.apps.set(definition.name, app);
    return app;
  }

  get all(): readonly App[] {
    return [...this.apps.values()];
  }

  /** The addresses of the apps of a kind that listen. */
  urlsOf(job: string): string[] {
    return this.all.filter((app) => app.job === job).flatMap(({ url }) => url ?? []);
  }

  /** @throws RangeError if no process of this name runs */
  pid(name: string): number {
    const found = this.options.surroundings.records.running().find((record) => record.name === name);
    if (found === undefined) throw new RangeError(`no process named ${name} runs`);
    return found.pid;
  }

  /**
   * Kills an app by SIGKILL. It is started again.
   * @returns the pid of the process, once it has ended
   * @throws RangeError, at once, if no process of this name runs
   */
  kill(name: string): Promise<number> {
    const pid = this.pid(name);
    this.killed.add(name);
    signalIfRunning(pid, 'SIGKILL');
    return this.gone(pid);
  }

  /** Suspends an app's process until `resume` or `kill`. */
  pause(name: string): void {
    signalIfRunning(this.pid(name), 'SIGSTOP');
  }

  resume(name: string): void {
    signalIfRunning(this.pid(name), 'SIGCONT');
  }

  /**
   * Drains apps for good, all at the same time.
   * @param budgetMs how long that may take before one is killed
   * @returns the names of those that were killed
   */
  async stop(apps: readonly App[], budgetMs: number): Promise<string[]> {
    const drained = await Promise.all(apps.map(async (app) => app.stop(budgetMs)));
    for (const app of apps) if (this.apps.get(app.name) === app) this.apps.delete(app.name);
    return apps.filter((_, at) => drained[at] === false).map(({ name }) => name);
  }

  /** Drains all and starts them again, with the current code on disk. */
  async restart(budgetMs: number): Promise<void> {
    await Promise.all(this.all.map(async (app) => app.restart(budgetMs)));
  }

  /** Kills all at once. */
  killAll(): void {
    for (const app of this.all) app.kill();
  }

  private async gone(pid: number): Promise<number> {
    while (this.options.surroundings.records.running().some((record) => record.pid === pid)) await delay(POLL_MS);
    return pid;
  }

  private ended(name: string, ending: string, wasStopped: boolean): void {
    const wasKilled = ending === 'SIGKILL' && this.killed.delete(name);
    if (wasKilled || (wasStopped && CLEAN_ENDINGS.has(ending))) return;
    this.options.onEnded?.(name, `${wasStopped ? 'was stopped, and ' : ''}ended with ${ending}`, wasStopped);
  }
}

/** What the console requests from the supervisor, over the channel that every app has to it. */
interface ConsoleRequest {
  readonly type: 'scale';
  readonly consumers: number;
}

/** @returns undefined for any other message */
export function readConsoleRequest(message: unknown): ConsoleRequest | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { type, consumers } = message as Partial<Record<keyof ConsoleRequest, unknown>>;
  return type === 'scale' && Number.isInteger(consumers) ? { type, consumers: Number(consumers) } : undefined;
}
