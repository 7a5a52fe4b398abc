import type { BackOff } from './attempts/back-off.js';
import { systemClock, type Clock } from './clock.js';
import { classifyByNetworkCode, type FailureClassifier } from './attempts/failure.js';
import type { ConsumedRecord } from './record.js';
import type { Ordering } from './window/scheduler.js';

/** One try at one record. */
export interface Attempt {
  /** 1 for the first; environment failures don't count. */
  readonly number: number;
  /** Aborts when the partition is taken away: what is done after that may be done again by another member. */
  readonly signal: AbortSignal;
}

/**
 * Does the work of one record. Resolving means that its effect is durable: the record is never delivered again because of
 * this consumer, but may be after a crash (at least once), so the effect must bear being repeated.
 */
export type RecordHandler = (record: ConsumedRecord, attempt: Attempt) => Promise<void>;

/** Where the engine tells what happens. pino's loggers fit. */
export interface EngineLogger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface ParallelConsumerOptions {
  readonly handler: RecordHandler;
  readonly logger: EngineLogger;
  /** Where records go that can't be handled. It must exist and have at least as many partitions as the source. */
  readonly deadLetterTopic: string;
  /** Default `key`. See `Ordering` for what each guarantees and costs. */
  readonly ordering?: Ordering;
  /** Records in the handler at once. Default 1,000. The rate is at most `inFlight / mean handler time`. */
  readonly inFlight?: number;
  /** Records in memory, running or waiting behind their key. Default 20 x `inFlight`. */
  readonly maxTaken?: number;
  /** Bytes of the records in memory. Default 128 MiB. Passed by at most one record. */
  readonly maxBytes?: number;
  /** Records of one partition beyond its oldest unfinished one. Default 1,000,000; at the limit nothing more is taken from it. */
  readonly maxSpan?: number;
  /** Tries of one record, the first included, before it is dead-lettered. Default 5. */
  readonly maxAttempts?: number;
  /** Default: network errors are the environment's, all others may pass on another try. */
  readonly classify?: FailureClassifier;
  /** Between the tries of one record. Default 100 ms doubling to 10 s. */
  readonly retryBackOff?: BackOff;
  /** Between the probes of an environment that is away. Default 200 ms doubling to 5 s. */
  readonly environmentBackOff?: BackOff;
  /** How often finished work is committed, in ms. Default 200. A kill repeats about rate x this, and what was in flight. */
  readonly commitIntervalMs?: number;
  /**
   * How long a rebalance or a stop waits for running work, in ms. Default 5,000; with the commit
   * after it (3 s at the most) less than the session time-out, or the group takes this member for dead. Work that takes longer is handed over: done again by the partition's next owner.
   */
  readonly drainTimeoutMs?: number;
  readonly clock?: Clock;
  /** Numbers from 0 up to 1, for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

export type ResolvedOptions = Required<ParallelConsumerOptions>;

export function resolveOptions(options: ParallelConsumerOptions): ResolvedOptions {
  const inFlight = options.inFlight ?? 1_000;
  for (const [name, value] of Object.entries({ inFlight, maxTaken: options.maxTaken ?? inFlight }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name} must be a whole number above 0, not ${value}`);
  return {
    ordering: 'key',
    maxTaken: 20 * inFlight,
    maxBytes: 128 * 1024 * 1024,
    maxSpan: 1_000_000,
    maxAttempts: 5,
    classify: classifyByNetworkCode,
    retryBackOff: { initialMs: 100, maxMs: 10_000 },
    environmentBackOff: { initialMs: 200, maxMs: 5_000 },
    commitIntervalMs: 200,
    drainTimeoutMs: 5_000,
    clock: systemClock,
    random: Math.random,
    ...options,
    inFlight,
  };
}
