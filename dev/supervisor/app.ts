import { setTimeout as delay } from 'node:timers/promises';
import { interruptiblePause } from '../restarts/interruptible-pause.js';
import { RestartBackoff, restartLine } from '../restarts/restart-backoff.js';
import { readLastLines, LogFile } from '../servers/log-file.js';
import { StackError } from '../stack-error.js';
import { AppProcess, type AppDefinition, type AppEnvironment, type Ending } from './app-process.js';
import { timeLimit } from '#orders/time-limit.js';

const READY_WITHIN_MS = timeLimit(60_000);
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
    await this.keeping;
    this.log.close();
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
