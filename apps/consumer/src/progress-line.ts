import type { ParallelConsumerStatus } from '#parallel-consumer/status.js';

export interface ProgressLine {
  readonly processed: number;
  readonly total: number;
  readonly savedPerSecond: number;
}

/**
 * The one line every few seconds that stands for thousands of orders: `processed/total`, as the job test printed it.
 * `total` is what this process finished and what still waits on its partitions.
 */
export class ProgressMeter {
  private processed = 0;
  private at: number;

  constructor(now: number) {
    this.at = now;
  }

  /** @returns the line, or `undefined` when nothing has moved since the last one */
  next({ finished, lag }: Pick<ParallelConsumerStatus, 'finished' | 'lag'>, now: number): ProgressLine | undefined {
    const moved = finished - this.processed;
    const seconds = (now - this.at) / 1_000;
    this.processed = finished;
    this.at = now;
    if (moved === 0) return undefined;
    return { processed: finished, total: finished + lag, savedPerSecond: Math.round(moved / seconds) };
  }
}
