import { Logger } from '@nestjs/common';
import { pause, succeededWithin, type Clock } from '@orders-pipeline/clock';
import { type RunDocument, RunLostError, type StoredRuns } from './stored-runs.js';
import { timeLimit } from '#orders/time-limit.js';

/** How often an instance looks for a run to claim, in ms. */
const POLL_MS = 500;
/** How long a run waits after a side did not answer, in ms. */
const RETRY_MS = 2_000;
/** How long a stop waits until the run has released its lease, in ms. */
const STOP_MS = timeLimit(4_000);
/** How often the lease of a run is renewed, in ms. */
const RENEW_MS = 3_000;

/** Continues a run of a kind until it has ended. @throws Error if a side does not answer, or the signal aborts */
export type RunWork<P, R extends string> = (
  run: RunDocument<P, R>,
  signal: AbortSignal,
) => Promise<{ readonly progress: P; readonly result: R }>;

/**
 * Claims the run of one kind and continues it until it has ended, also after a crash of the instance that began it. While a side does
 * not answer, the run waits and says why.
 */
export class RunJob<P = unknown, R extends string = string> {
  private readonly logger = new Logger(RunJob.name);
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly runs: StoredRuns<P, R>,
    private readonly work: RunWork<P, R>,
    private readonly clock: Clock,
    /** Verifies the indexes; repeated until MongoDB has them. */
    private readonly prepare: () => Promise<void>,
  ) {}

  start(): void {
    this.loop = this.poll();
  }

  /** Waits until the run has released its lease, for 4 s at most. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await succeededWithin(this.clock, STOP_MS, this.loop);
  }

  private async poll(): Promise<void> {
    const { signal } = this.stopping;
    let isPrepared = false;
    while (!signal.aborted) {
      const run: RunDocument<P, R> | null | undefined = await this.claim(isPrepared).catch((error: unknown) => {
        this.logger.warn({ reason: String(error) }, 'cannot claim a run, retrying');
        return undefined;
      });
      isPrepared ||= run !== undefined;
      const paused = run === null || run === undefined ? POLL_MS : await this.continue(run);
      if (paused > 0) await pause(this.clock, paused, signal).catch(() => undefined);
    }
  }

  private async claim(isPrepared: boolean): Promise<RunDocument<P, R> | null> {
    if (!isPrepared) await this.prepare();
    return this.runs.claim();
  }

  /** Continues a run. @returns how long to wait until the next claim, in ms */
  private async continue(run: RunDocument<P, R>): Promise<number> {
    const lost = new AbortController();
    const stopRenewal = this.keepRenewing(run, lost);
    const signal = AbortSignal.any([this.stopping.signal, lost.signal]);
    try {
      const { progress, result } = await this.work(run, signal);
      await this.runs.end(run, progress, result);
      this.logger.log({ run: run._id, result }, `${run.kind} has ended`);
      return 0;
    } catch (error) {
      if (error instanceof RunLostError || lost.signal.aborted) return POLL_MS;
      await this.interrupt(run, this.stopping.signal.aborted ? null : String(error));
      return RETRY_MS;
    } finally {
      stopRenewal();
    }
  }

  private async interrupt(run: RunDocument<P, R>, problem: string | null): Promise<void> {
    if (problem !== null) this.logger.warn({ run: run._id, reason: problem }, `${run.kind} is interrupted, retrying`);
    try {
      await this.runs.release(run, problem);
    } catch (error) {
      this.logger.warn({ run: run._id, reason: String(error) }, 'cannot release the run, its lease expires');
    }
  }

  private keepRenewing(run: RunDocument<P, R>, lost: AbortController): () => void {
    const renew = async (): Promise<void> => {
      try {
        await this.runs.renew(run);
      } catch (error) {
        if (error instanceof RunLostError) lost.abort();
        else this.logger.warn({ run: run._id, reason: String(error) }, 'cannot renew the lease of a run, retrying');
      }
    };
    const schedule = (): (() => void) =>
      this.clock.after(RENEW_MS, () => {
        void renew();
        cancel = schedule();
      });
    let cancel = schedule();
    return () => cancel();
  }
}
