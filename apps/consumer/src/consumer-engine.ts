import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ParallelConsumerServer } from '@orders-pipeline/nestjs-parallel-consumer';
import type { Observer, ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';

/** Counts the rebalances of this process's member in the consumer group. */
@Injectable()
export class RebalanceCounter {
  private passed = 0;

  get count(): number {
    return this.passed;
  }

  /** Wraps an observer so that it also counts rebalances. */
  countedBy(observer: Observer): Observer {
    return {
      ...observer,
      rebalanced: (report, milliseconds) => {
        this.passed += 1;
        observer.rebalanced?.(report, milliseconds);
      },
    };
  }
}

interface ProgressLine {
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

const PROGRESS_EVERY_MS = 5_000;

/** The engine of this process, as the other parts of the consumer see it: its status, its in-flight limit and its progress in the log. */
@Injectable()
export class ConsumerEngine implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('orders-savers');
  private progress: NodeJS.Timeout | undefined;

  constructor(private readonly server: ParallelConsumerServer) {}

  get status(): ParallelConsumerStatus {
    return this.server.getStatus(ORDERS_TOPIC);
  }

  /** The status of its member in the consumer group that projects dead letters into MongoDB. */
  get deadLetters(): ParallelConsumerStatus {
    return this.server.getStatus(DEAD_LETTER_TOPIC);
  }

  /** Changes the in-flight limit. Saves in flight above a lower limit are completed. */
  setInFlight(limit: number | 'auto'): void {
    this.server.unwrap().get(ORDERS_TOPIC)?.setInFlight(limit);
  }

  onApplicationBootstrap(): void {
    const meter = new ProgressMeter(Date.now());
    this.progress = setInterval(() => {
      const line = meter.next(this.status, Date.now());
      if (line !== undefined) this.logger.log(line, formatProgress(line));
    }, PROGRESS_EVERY_MS);
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.progress);
  }
}
