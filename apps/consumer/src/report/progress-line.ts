import type { ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';

export interface ProgressLine {
  readonly processed: number;
  readonly total: number;
  readonly savedPerSecond: number;
}

/**
 * Computes a progress line for the log every few seconds: `processed/total`, as the job test printed it.
 * `total` is the number of orders that this process has finished plus the lag of its partitions.
 */
export class ProgressMeter {
  private processed = 0;
  private at: number;

  constructor(now: number) {
    this.at = now;
  }

  /** @returns the line, or `undefined` if nothing was finished since the last one */
  next({ finished, lag }: Pick<ParallelConsumerStatus, 'finished' | 'lag'>, now: number): ProgressLine | undefined {
    const moved = finished - this.processed;
    const seconds = (now - this.at) / 1_000;
    this.processed = finished;
    this.at = now;
    if (moved === 0) return undefined;
    return { processed: finished, total: finished + lag, savedPerSecond: Math.round(moved / seconds) };
  }
}
