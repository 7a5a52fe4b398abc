import type { ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';

export interface ProgressLine {
  readonly processed: number;
  /** Orders that this consumer has still to save, of those that it knows. */
  readonly waiting: number;
  readonly savedPerSecond: number;
}

/**
 * Computes a progress line for the log every few seconds: what this process has finished since its start, and what it has still to do.
 */
export class ProgressMeter {
  private processed = 0;
  private at: number;

  constructor(now: number) {
    this.at = now;
  }

  /** @returns the line, or `undefined` if nothing was finished since the last one */
  next(
    { finished, unfinished }: Pick<ParallelConsumerStatus, 'finished' | 'unfinished'>,
    now: number,
  ): ProgressLine | undefined {
    const moved = finished - this.processed;
    const seconds = (now - this.at) / 1_000;
    this.processed = finished;
    this.at = now;
    if (moved === 0) return undefined;
    return { processed: finished, waiting: unfinished, savedPerSecond: Math.round(moved / seconds) };
  }
}

/** Formats a line. `at least`: orders that arrived since the last fetch are not known yet. */
export function formatProgress({ processed, waiting, savedPerSecond }: ProgressLine): string {
  const rest = waiting === 0 ? 'none waits' : `at least ${withSeparators(waiting)} to save`;
  return `${withSeparators(processed)} orders processed, ${withSeparators(savedPerSecond)}/s, ${rest}`;
}

function withSeparators(count: number): string {
  return count.toLocaleString('en-US');
}
