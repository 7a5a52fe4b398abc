import { systemClock, type Clock } from '@orders-pipeline/clock';
import { checkOptions } from '../checks/check-options.js';
import { period, withFunctions, type Check } from '../checks/value-checks.js';
import type { ParallelConsumerStatus } from './status.js';

/** When a consumer counts as stuck. */
export interface StuckCheckOptions {
  /** Time without any progress, in ms. Default 300,000; longer than the slowest attempt with its retries. */
  readonly stuckAfterMs?: number;
  /** Topics whose records may wait longer than that: those of `retryTopics`. Default: none. */
  readonly delayedTopics?: readonly string[];
  /** Default `systemClock`. Pass the clock of the consumer. */
  readonly clock?: Clock;
}

const STUCK_AFTER_MS = 300_000;

const OPTION_CHECKS = {
  stuckAfterMs: period,
  delayedTopics: (name, value) => {
    if (!Array.isArray(value)) throw new TypeError(`${name} must be a list of topics`);
  },
  clock: withFunctions('now', 'after'),
} satisfies Record<keyof StuckCheckOptions, Check>;

/**
 * Finds a consumer that is ready, has records to handle, and yet finishes none: such as one whose handler waits for ever on all of its places.
 * For a liveness check: a restart repeats what was in flight.
 *
 * Not found, because they have their own signs: a consumer that is not ready (`notReadyBecause`), one that is paused, and a single record that
 * blocks its partition while others finish (`oldestRecord`, the log of `stalledRecordWarnMs`). Records of an open transaction are not waited for.
 */
export class StuckCheck {
  private readonly stuckAfterMs: number;
  private readonly delayed: ReadonlySet<string>;
  private readonly clock: Clock;
  private progress = '';
  private since = 0;

  /** @throws TypeError or RangeError that names a wrong or unknown option */
  constructor(options: StuckCheckOptions = {}) {
    checkOptions(options, { checks: OPTION_CHECKS, required: [] });
    const { stuckAfterMs = STUCK_AFTER_MS, delayedTopics = [], clock = systemClock } = options;
    this.stuckAfterMs = stuckAfterMs;
    this.delayed = new Set(delayedTopics);
    this.clock = clock;
  }

  /** To be called again and again, such as at each health request. @returns why the consumer is stuck; `undefined` when it is not */
  check(status: ParallelConsumerStatus): string | undefined {
    const { finished, retries, ready, paused, partitions } = status;
    // Not the whole lag: an open transaction on an idle topic is no reason to restart.
    const waiting = partitions.filter(({ readableLag, topic }) => readableLag > 0 && !this.delayed.has(topic));
    const committable = partitions.reduce((sum, partition) => sum + partition.committable, 0);
    const progress = [finished, retries, committable, partitions.length].join(' ');
    const now = this.clock.now();
    if (progress !== this.progress || !ready || paused.length > 0 || waiting.length === 0) {
      this.progress = progress;
      this.since = now;
      return undefined;
    }
    const ms = now - this.since;
    if (ms < this.stuckAfterMs) return undefined;
    const lag = waiting.reduce((sum, partition) => sum + partition.readableLag, 0);
    return `no record was finished for ${Math.round(ms / 1_000)} s: the lag is ${lag}, and ${status.inFlight} of at most ${status.inFlightLimit} are in the handler`;
  }
}
