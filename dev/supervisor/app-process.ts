import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { LogFile } from '../servers/log-file.js';
import type { ProcessRecords } from '../servers/process-records.js';
import type { ServerGuard } from '../servers/server-guard.js';
import type { AppLogView } from './app-log-view.js';
import { readConsoleRequest, type ConsoleRequest } from './console-requests.js';

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
export interface AppEnvironment {
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
export type Ending = string;

/** One running process of an app, from its start to its end. */
export class AppProcess {
  /** The URL that it listens at, once it has reported that. */
  url: string | undefined;
  /** Resolves when the process has ended for any reason. */
  readonly ended: Promise<Ending>;
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
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        log.write(line);
        view.show(name, line);
      });
    }
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

function endingOf(child: ChildProcess): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  child.once('error', (error) => resolve(error.message));
  return promise;
}

function isListening(message: unknown): message is { type: 'listening'; url: string } {
  if (typeof message !== 'object' || message === null || !('type' in message) || !('url' in message)) return false;
  return message.type === 'listening' && typeof message.url === 'string';
}
