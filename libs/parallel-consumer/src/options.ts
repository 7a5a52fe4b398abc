import { systemClock, type Clock } from './clock.js';
import { classifyByNetworkCode, type FailureClassifier } from './failure.js';
import type { BackOff } from './back-off.js';
import type { Observer } from './observer.js';
import type { ConsumedRecord } from './record.js';
import type { Ordering } from './window/scheduler.js';

/** One attempt to handle one record. */
export interface Attempt {
  /** 1 for the first attempt. Environment failures do not increase it. */
  readonly number: number;
  /**
   * Aborts when the consumer no longer waits for the attempt: the partition was revoked, a stop reached its drain timeout, or
   * the attempt exceeded its time limit. Work done after the abort may be repeated by this member or another one.
   */
  readonly signal: AbortSignal;
}

/**
 * Handles one record. It must resolve only when the effect is durable: the consumer then completes the record and does not
 * retry it. A crash can still cause a redelivery (at least once), so the effect must be idempotent.
 * To handle several records in one call, see `batchHandler`.
 */
export type RecordHandler = (record: ConsumedRecord, attempt: Attempt) => Promise<void>;

/** Receives the engine's log messages. A pino logger satisfies this interface. */
export interface EngineLogger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface ParallelConsumerOptions {
  readonly handler: RecordHandler;
  readonly logger: EngineLogger;
  /**
   * Topic for records that can't be handled. It must exist and have at least as many partitions as the source topic.
   * Required unless `onDeadLetter` is `stop`.
   */
  readonly deadLetterTopic?: string;
  /**
   * What to do with a record that is poison or has no attempts left.
   * - `publish` (the default): publish it to the dead-letter topic and continue.
   * - `stop`: publish nothing, drain, leave the group and become `failed`. The record's offset stays uncommitted, so the
   *   partition's next owner reads it again.
   */
  readonly onDeadLetter?: 'publish' | 'stop';
  /** Default `key`. `Ordering` describes the guarantees and the cost of each value. */
  readonly ordering?: Ordering;
  /**
   * Maximum number of records in the handler at once. The rate is at most `inFlight / mean handler time`. With `auto` (the
   * default) the consumer derives the limit from measured latency and errors, see `AutoLimit`. `setInFlight` changes it at
   * runtime.
   */
  readonly inFlight?: number | 'auto';
  /** Upper bound of the limit that `auto` may choose, in records. Default 10,000. */
  readonly maxInFlight?: number;
  /** Maximum number of records in memory, running or waiting behind their key. Default 20 x the current in-flight limit. */
  readonly maxBuffered?: number;
  /**
   * Maximum size of the records in the window, in bytes. Default 128 MiB. One record may exceed it. Fetched records that are
   * not in the window yet are not included.
   */
  readonly maxBytes?: number;
  /**
   * Maximum distance, in offsets, from a partition's oldest unfinished record to the newest record taken. Default 1,000,000.
   * At the limit the consumer takes no more records from that partition.
   */
  readonly maxUncommittedOffsets?: number;
  /** Maximum number of attempts for one record, including the first, before it is dead-lettered. Default 5. */
  readonly maxAttempts?: number;
  /**
   * Time limit of one attempt, in ms. Default 300,000. At the limit the attempt's signal aborts. `attemptGraceMs` later
   * (default 5,000) the attempt is abandoned: it counts as failed, and the record is retried or dead-lettered. The consumer
   * checks the limit once a second.
   * Not guaranteed after that: an abandoned attempt may still run in parallel with the next attempt of its key. The handler
   * must then itself ensure the order and the idempotence of that key.
   */
  readonly attemptTimeoutMs?: number;
  readonly attemptGraceMs?: number;
  /** Classifies handler errors. Default: network errors are `environment`, all others are `retriable`. */
  readonly classify?: FailureClassifier;
  /** Back-off between the attempts of one record. Default: 100 ms, doubling up to 10 s. */
  readonly retryBackOff?: BackOff;
  /** Back-off between probes while the environment is unavailable. Default: 200 ms, doubling up to 5 s. */
  readonly environmentBackOff?: BackOff;
  /** Interval between commits, in ms. Default 200. */
  readonly commitIntervalMs?: number;
  /**
   * Whether a commit stores metadata: the id of the partition's log, and the completed offsets beyond the committed one (see
   * `completed-offsets.ts`). After a crash the consumer then skips those offsets, and it detects a topic that was recreated
   * while no consumer ran. Default true. False: plain commits without either.
   */
  readonly commitCompletedOffsets?: boolean;
  /**
   * How long a rebalance or a stop waits for running work, in ms. Default 5,000. Together with the commit that follows (at
   * most 3 s) it must be shorter than the session timeout, or the coordinator removes this member from the group. Work that
   * takes longer is handed over: the partition's next owner repeats it.
   */
  readonly drainTimeoutMs?: number;
  /**
   * A record that blocks its partition's commit for this long, in ms, is logged as a warning, and again after each further
   * period. Default 60,000.
   */
  readonly stalledRecordWarnMs?: number;
  /**
   * A record that blocks its partition's commit for this long, in ms, is dead-lettered. Time during which the environment is
   * unavailable does not count. Default: never.
   */
  readonly stalledRecordDeadLetterMs?: number;
  /**
   * What to do when Kafka has deleted records before they were read.
   * - `stop` (the default): log the deleted range, take nothing more from that partition, and report not ready until an
   *   operator intervenes.
   * - `skip`: log the deleted range and continue after it.
   */
  readonly onDeletedRecords?: 'stop' | 'skip';
  /**
   * What to do when a partition's log lost records that were already read: it was truncated, or its topic was recreated.
   * - `stop` (the default): log the lost range, take nothing more from that partition, and report not ready.
   * - `reset`: log the lost range and continue at the end of a truncated log, or at the first record of a recreated one.
   */
  readonly onTruncatedLog?: 'stop' | 'reset';
  /** Receives events for metrics. */
  readonly observer?: Observer;
  readonly clock?: Clock;
  /** Returns numbers from 0 (inclusive) to 1 (exclusive), for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

type WithoutDefault = 'deadLetterTopic' | 'maxBuffered' | 'stalledRecordDeadLetterMs' | 'observer';
/** The options with all defaults applied. */
export type ResolvedOptions = Required<Omit<ParallelConsumerOptions, WithoutDefault>> &
  Pick<ParallelConsumerOptions, WithoutDefault>;

/**
 * Applies the defaults and validates the bounds.
 * @throws RangeError for an invalid bound, TypeError for a missing dead-letter topic
 */
export function resolveOptions(options: ParallelConsumerOptions): ResolvedOptions {
  const { inFlight = 'auto', maxInFlight = 10_000, maxBuffered } = options;
  requirePositiveIntegers({ inFlight: inFlight === 'auto' ? 1 : inFlight, maxInFlight, maxBuffered: maxBuffered ?? 1 });
  if (options.deadLetterTopic === undefined && options.onDeadLetter !== 'stop')
    throw new TypeError("deadLetterTopic is missing: set it to a topic name, or set onDeadLetter to 'stop'");
  return {
    onDeadLetter: 'publish',
    ordering: 'key',
    maxBytes: 128 * 1024 * 1024,
    maxUncommittedOffsets: 1_000_000,
    maxAttempts: 5,
    attemptTimeoutMs: 300_000,
    attemptGraceMs: 5_000,
    classify: classifyByNetworkCode,
    retryBackOff: { initialMs: 100, maxMs: 10_000 },
    environmentBackOff: { initialMs: 200, maxMs: 5_000 },
    commitIntervalMs: 200,
    commitCompletedOffsets: true,
    drainTimeoutMs: 5_000,
    stalledRecordWarnMs: 60_000,
    onDeletedRecords: 'stop',
    onTruncatedLog: 'stop',
    clock: systemClock,
    random: Math.random,
    ...options,
    inFlight,
    maxInFlight,
  };
}

/** @throws RangeError for a value that is not an integer of at least 1 */
export function requirePositiveIntegers(values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name} must be an integer of at least 1, got ${value}`);
}
