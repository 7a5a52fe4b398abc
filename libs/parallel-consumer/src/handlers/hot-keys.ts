import { systemClock, type Clock } from '@orders-pipeline/clock';
import type { RecordHandler } from '../attempts/record-handler.js';
import { checkOptions } from '../checks/check-options.js';
import { ofType, positiveInteger, share, withFunctions, type Check } from '../checks/value-checks.js';
import type { EngineLogger } from '../events/engine-logger.js';
import { FrequentKeys } from '../structures/frequent-keys.js';

/** What counts as hot, and where it is logged. */
export interface HotKeysOptions {
  readonly logger: EngineLogger;
  /** A key with at least this share of all attempts is hot. Default 0.1. */
  readonly hotShare?: number;
  /** Keys that are counted. Default 100: a key with more than a hundredth of the attempts is always among them. */
  readonly capacity?: number;
  readonly clock?: Clock;
}

/** A key of the last whole minute. */
export interface HotKey {
  readonly key: string;
  /** Its share of all attempts, at most; of 1. */
  readonly share: number;
}

const OPTION_CHECKS = {
  logger: withFunctions('info', 'warn', 'error'),
  hotShare: share,
  capacity: positiveInteger,
  clock: withFunctions('now', 'after'),
} satisfies Record<keyof HotKeysOptions, Check>;

const PERIOD_MS = 60_000;
/** Fewer attempts say nothing about shares. */
const LEAST_ATTEMPTS = 1_000;
const SHOWN = 10;

/**
 * Finds keys with so many records that they bound the rate: with `ordering: 'key'`, one key has at most one record in flight.
 *
 * Each minute it logs `hot keys` with those that have at least `hotShare` of the attempts, if there were 1,000, and remembers the ten
 * most frequent ones. Memory is bounded by `capacity`. Records without a key are not counted.
 */
export class HotKeys {
  private readonly counted: FrequentKeys;
  private readonly clock: Clock;
  private since: number;
  private lastMinute: readonly HotKey[] = [];

  /** @throws TypeError or RangeError that names a wrong option */
  constructor(private readonly options: HotKeysOptions) {
    checkOptions(options, { checks: OPTION_CHECKS, required: ['logger'] });
    const { capacity = 100, clock = systemClock } = options;
    this.counted = new FrequentKeys(capacity);
    this.clock = clock;
    this.since = clock.now();
  }

  /** The most frequent keys of the last whole minute, the most frequent one first; for a metric or a page. */
  get hottest(): readonly HotKey[] {
    return this.lastMinute;
  }

  /** Returns a handler that counts the key of each attempt. @throws TypeError for a handler that is no function */
  counting(handler: RecordHandler): RecordHandler {
    ofType('function')('handler', handler);
    return (record, attempt) => {
      this.endMinute();
      if (record.key !== null) this.counted.add(record.key.toString());
      return handler(record, attempt);
    };
  }

  private endMinute(): void {
    const now = this.clock.now();
    if (now - this.since < PERIOD_MS) return;
    const { total } = this.counted;
    this.lastMinute = this.counted.top(SHOWN).map(({ key, count }) => ({ key, share: count / total }));
    const { hotShare = 0.1, logger } = this.options;
    const hot = this.lastMinute.filter((each) => each.share >= hotShare);
    if (hot.length > 0 && total >= LEAST_ATTEMPTS)
      logger.warn({ keys: hot, attempts: total }, 'hot keys: one record of a key at a time bounds the rate');
    this.counted.clear();
    this.since = now;
  }
}
