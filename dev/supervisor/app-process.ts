import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LogFile } from '../servers/log-file.js';
import type { ProcessRecords } from '../servers/process-records.js';
import type { ServerGuard } from '../servers/server-guard.js';
import type { AppLogView } from './app-log-view.js';
import { readConsoleRequest, type ConsoleRequest } from './console-requests.js';

/** V8's limits of one process, in MiB. */
export interface Heap {
  /** Of the objects that last; without it V8 takes what the machine has. */
  readonly oldMiB?: number;
  /** Of one half of the place where objects begin. Up to three times as much is resident. */
  readonly youngMiB: number;
  /** Objects always begin in the young heap, also where V8 has seen many of theirs live long. Default: V8's own guess. */
  readonly alwaysYoung?: boolean;
}

/** V8's flags of every app. */
export function heapFlags({ oldMiB, youngMiB, alwaysYoung = false }: Heap): string[] {
  const old = oldMiB === undefined ? [] : [`--max-old-space-size=${oldMiB}`];
  const young = alwaysYoung ? ['--no-allocation-site-pretenuring'] : [];
  return ['--enable-source-maps', ...old, `--max-semi-space-size=${youngMiB}`, ...young];
}

/** One of the services, as it is to be run. */
export interface AppDefinition {
  /** As shown to people, such as `consumer-1`. */
  readonly name: string;
  /** Prometheus's name for all of its kind, such as `consumer`; `undefined`: it has no metrics. */
  readonly job: string | undefined;
  readonly script: string;
  readonly heap: Heap;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}

/** What an app needs of the stack that it belongs to. `guard` is absent when no server is embedded. */
export interface AppEnvironment {
  readonly records: ProcessRecords;
  readonly guard: ServerGuard | undefined;
  readonly view: AppLogView;
  /** Told by each process of an app, once it listens. */
  readonly onListening: (app: AppDefinition, url: string) => void;
  /** What the console asks for. */
  readonly onRequest: (request: ConsoleRequest) => void;
  /** Told of the end of each process, and whether it was told to end. */
  readonly onEnded?: (app: AppDefinition, ending: Ending, wasTold: boolean) => void;
}

/** How a process ended: its exit code, or the signal. */
export type Ending = string;

/** One running process of an app, from its start to its end. */
export class AppProcess {
  /** Where it listens, once it has said so. */
  url: string | undefined;
  /** Resolves when the process is gone, whatever ended it. */
  readonly ended: Promise<Ending>;
  private readonly child: ChildProcess;
  private gone = false;

  constructor(definition: AppDefinition, log: LogFile, surroundings: AppEnvironment) {
    const { name, script, heap, env } = definition;
    const { records, guard, view } = surroundings;
    // Detached: Ctrl-C in the terminal is the supervisor's alone to hear. The channel tells the app when the supervisor dies.
    const child = spawn(process.execPath, [...heapFlags(heap), script], {
      env,
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
   * Asks it to drain and waits for its end; after `budgetMs` kills it.
   * Resolves to false if it had to be killed: what it hadn't committed will be delivered again.
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

  /** True once it says that it can do its work. */
  async isReady(): Promise<boolean> {
    if (this.url === undefined) return false;
    try {
      const response = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(5_000) });
      await response.arrayBuffer();
      return response.ok;
    } catch (error) {
      // It is starting, or busy, or ending: which of them is seen elsewhere.
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
