import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { StackError } from '../stack-error.js';
import { lastLinesOf, openLog } from './log-file.js';
import type { ProcessRecords } from './process-records.js';
import type { ServerGuard } from './server-guard.js';

const READY_WITHIN_MS = 60_000;
const PROBE_EVERY_MS = 100;
/** A server that falls over more often than this in a minute will do so again: its log has to be read. */
const CRASHES_PER_MINUTE = 3;

/** A program that takes connections: how to start it, and how to tell that it serves. One per process. */
export interface ServerProgram {
  /** As shown to people, such as `Kafka`. */
  readonly name: string;
  readonly logFile: string;
  /** Anything to be done on disk before the process starts. May be called at every start. */
  prepare(): Promise<void>;
  command(): { file: string; args: readonly string[]; env?: NodeJS.ProcessEnv };
  /** Resolves when the server serves; rejects while it doesn't yet. A StackError is final. Must bound its own time. */
  probe(): Promise<void>;
}

/** What a server needs of the stack that it belongs to. */
export interface ServerSurroundings {
  readonly records: ProcessRecords;
  readonly guard: ServerGuard;
}

/** What happens to a server after it served for the first time. */
export interface ServerEvents {
  /** It ended by itself and is being started again. */
  readonly onCrash: (what: string) => void;
  /** It can't be had any more. */
  readonly onLost: (error: unknown) => void;
}

/**
 * One server process, kept running, detached from the terminal's process group: Ctrl-C reaches the supervisor alone, which stops the
 * apps first. It writes its log itself, so it doesn't depend on a reader.
 */
export class Server {
  private process: ChildProcess | undefined;
  private ended = false;
  private serves = false;
  private stopping = false;
  private crashes: number[] = [];
  private starting: Promise<void> = Promise.resolve();

  constructor(
    readonly program: ServerProgram,
    private readonly surroundings: ServerSurroundings,
    private readonly events: ServerEvents,
  ) {}

  get name(): string {
    return this.program.name;
  }

  /**
   * Resolves once the server serves; also after `stop` or `kill`, on the data that these left. Throws `server-failed` with
   * the last lines of its log when it ends before or takes more than a minute.
   */
  start(): Promise<void> {
    this.stopping = false;
    this.starting = this.prepareAndLaunch();
    return this.starting;
  }

  /**
   * Asks the process to end, and after `budgetMs` kills it: both leave data that the next start recovers.
   * A start that is under way is given up; once this resolves nothing of it goes on.
   */
  async stop(budgetMs: number): Promise<void> {
    this.stopping = true;
    await this.end('SIGTERM', budgetMs);
    await Promise.allSettled([this.starting]);
  }

  /** Ends it as a crash would (SIGKILL), and leaves it so until the next `start`: for tests of what outlives that. */
  async kill(): Promise<void> {
    this.stopping = true;
    await this.end('SIGKILL', 0);
    await Promise.allSettled([this.starting]);
  }

  private async prepareAndLaunch(): Promise<void> {
    this.serves = false;
    await this.program.prepare();
    if (this.stopping) return;
    this.launch();
    await this.untilServing();
    if (this.ended) throw this.failure('ended as soon as it served');
    this.serves = true;
  }

  private revive(ending: string): void {
    const now = performance.now();
    this.crashes = [...this.crashes.filter((at) => now - at < 60_000), now];
    if (this.crashes.length > CRASHES_PER_MINUTE) {
      this.events.onLost(this.failure(`ended by itself again and again (${ending})`));
      return;
    }
    this.events.onCrash(`${this.name} ended by itself (${ending}); starting it again`);
    this.starting = this.prepareAndLaunch();
    this.starting.catch((error: unknown) => {
      if (!this.stopping) this.events.onLost(error);
    });
  }

  private async end(signal: NodeJS.Signals, budgetMs: number): Promise<void> {
    const child = this.process;
    if (child?.pid === undefined || this.ended) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const killer = setTimeout(() => child.kill('SIGKILL'), budgetMs);
    await exited;
    clearTimeout(killer);
  }

  private launch(): void {
    const { file, args, env } = this.program.command();
    const { records, guard } = this.surroundings;
    const log = openLog(this.program.logFile);
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { ...process.env, ...env },
    });
    log.close();
    this.process = child;
    this.ended = false;
    const { pid } = child;
    child.once('error', () => {
      this.ended = true;
    });
    if (pid === undefined) return;
    records.add('server', this.name, pid);
    guard.watch(pid);
    child.once('exit', (code, signal) => {
      this.ended = true;
      records.remove(pid);
      if (this.serves && !this.stopping) this.revive(signal ?? `exit code ${code}`);
    });
  }

  private async untilServing(): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    for (;;) {
      if (this.ended) throw this.failure('ended before it served');
      try {
        await this.program.probe();
        return;
      } catch (error) {
        if (error instanceof StackError) throw error;
        if (Date.now() > deadline) {
          const reason = error instanceof Error ? error.message : String(error);
          throw this.failure(`did not serve within ${READY_WITHIN_MS / 1000} s (${reason})`, error);
        }
      }
      await delay(PROBE_EVERY_MS);
    }
  }

  private failure(what: string, cause?: unknown): StackError {
    const { logFile } = this.program;
    return new StackError(
      'server-failed',
      `${this.name} ${what}. The last lines of its log:\n${lastLinesOf(logFile)}`,
      `The whole log: ${logFile}. If its data were damaged, npm run reset empties them.`,
      { cause },
    );
  }
}
