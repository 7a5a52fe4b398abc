import { systemClock, type Clock } from './clock.js';
import { classifyByNetworkCode, type FailureClassifier } from './failure.js';
import type { BackOff } from './back-off.js';
import type { Observer } from './observer.js';
import type { ConsumedRecord } from './record.js';
import type { Ordering } from './window/scheduler.js';

/** One try at one record. */
export interface Attempt {
  /** 1 for the first; environment failures don't count. */
  readonly number: number;
  /**
   * Aborts when the work is no longer wanted: the partition was taken away, a stop has waited long enough, or the attempt
   * passed its time limit. What is done after that may be done again, by this member or another.
   */
  readonly signal: AbortSignal;
}

/**
 * Does the work of one record. Resolving means that its effect is durable: the record is never delivered again because of
 * this consumer, but may be after a crash (at least once), so the effect must bear being repeated.
 * For several records at once see `batchHandler`.
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
  /**
   * Where records go that can't be handled. It must exist and have at least as many partitions as the source.
   * Needed unless `onDeadLetter` is `stop`.
   */
  readonly deadLetterTopic?: string;
  /**
   * What becomes of a record that is poison or out of attempts. `publish` (the default): it goes to the dead-letter topic,
   * and the consumer goes on. `stop`: nothing is published, and the consumer drains, leaves the group and is `failed`, with
   * the record as the next one to be read by whoever starts again.
   */
  readonly onDeadLetter?: 'publish' | 'stop';
  /** Default `key`. See `Ordering` for what each guarantees and costs. */
  readonly ordering?: Ordering;
  /**
   * Records in the handler at once: the rate is at most `inFlight / mean handler time`. A number, or `auto` (the default):
   * found by itself from measured latency and errors, see `AutoLimit`. `setInFlight` changes it while running.
   */
  readonly inFlight?: number | 'auto';
  /** The highest limit that `auto` may find. Default 10,000. */
  readonly maxInFlight?: number;
  /** Records in memory, running or waiting behind their key. Default 20 x the in-flight limit, as it stands. */
  readonly maxBuffered?: number;
  /** Bytes of the records in the window. Default 128 MiB. Passed by at most one record; the broker's fetches come on top. */
  readonly maxBytes?: number;
  /** Offsets of one partition beyond its oldest unfinished record. Default 1,000,000; at the limit nothing more is taken from it. */
  readonly maxUncommittedOffsets?: number;
  /** Tries of one record, the first included, before it is dead-lettered. Default 5. */
  readonly maxAttempts?: number;
  /**
   * How long one attempt may take, in ms. Default 300,000. Then its signal aborts; `attemptGraceMs` later (default 5,000) it
   * is abandoned: counted as a failed attempt, and the record is tried again or dead-lettered. Checked once a second.
   * Not guaranteed after that: what the abandoned attempt still does runs beside the next one of its key, so the order and
   * the single effect of that key then rest on the handler.
   */
  readonly attemptTimeoutMs?: number;
  readonly attemptGraceMs?: number;
  /** Default: network errors are the environment's, all others may pass on another try. */
  readonly classify?: FailureClassifier;
  /** Between the tries of one record. Default 100 ms doubling to 10 s. */
  readonly retryBackOff?: BackOff;
  /** Between the probes of an environment that is away. Default 200 ms doubling to 5 s. */
  readonly environmentBackOff?: BackOff;
  /** How often finished work is committed, in ms. Default 200. */
  readonly commitIntervalMs?: number;
  /**
   * Default true: a commit carries the id of the log that it is of and a map of what is finished beyond it, so that a crash
   * doesn't repeat it (see `completed-offsets.ts`), and a topic that was created again while no consumer ran is recognised. False:
   * plain commits, and neither.
   */
  readonly commitCompletedOffsets?: boolean;
  /**
   * How long a rebalance or a stop waits for running work, in ms. Default 5,000; with the commit after it (3 s at the most)
   * less than the session time-out, or the group takes this member for dead. Work that takes longer is handed over: done
   * again by the partition's next owner.
   */
  readonly drainTimeoutMs?: number;
  /** A record that holds its partition's commit back for so long, in ms, is named in the log, each time again. Default 60,000. */
  readonly stalledRecordWarnMs?: number;
  /** After so long, in ms, such a record is dead-lettered; the time that the environment is away doesn't count. Default: never. */
  readonly stalledRecordDeadLetterMs?: number;
  /**
   * What to do when Kafka has deleted records before they were read. `stop` (the default): take nothing from that partition,
   * tell the range and be not ready, until somebody decides. `skip`: tell the range and go on behind it.
   */
  readonly onDeletedRecords?: 'stop' | 'skip';
  /**
   * What to do when a log lost records that were read (it was truncated, or its topic was deleted and created again). `stop`
   * (the default): take nothing from that partition, report the range and be not ready. `reset`: report the range and go on,
   * at the log's end where it was truncated, at its first record where it is another log.
   */
  readonly onTruncatedLog?: 'stop' | 'reset';
  /** Told of what happens, for metrics. */
  readonly observer?: Observer;
  readonly clock?: Clock;
  /** Numbers from 0 up to 1, for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

type WithoutDefault = 'deadLetterTopic' | 'maxBuffered' | 'stalledRecordDeadLetterMs' | 'observer';
/** All options as the engine runs with them. */
export type ResolvedOptions = Required<Omit<ParallelConsumerOptions, WithoutDefault>> &
  Pick<ParallelConsumerOptions, WithoutDefault>;

/** @throws RangeError for a bound that can't be used, TypeError for a missing dead-letter topic */
export function resolveOptions(options: ParallelConsumerOptions): ResolvedOptions {
  const { inFlight = 'auto', maxInFlight = 10_000, maxBuffered } = options;
  requireWholeNumbers({ inFlight: inFlight === 'auto' ? 1 : inFlight, maxInFlight, maxBuffered: maxBuffered ?? 1 });
  if (options.deadLetterTopic === undefined && options.onDeadLetter !== 'stop')
    throw new TypeError("deadLetterTopic is missing: name a topic, or set onDeadLetter to 'stop'");
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

export function requireWholeNumbers(values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name} must be a whole number above 0, not ${value}`);
}
