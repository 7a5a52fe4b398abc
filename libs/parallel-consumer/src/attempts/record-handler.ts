import type { ConsumedRecord } from '../records/record.js';
import type { RecordTrace } from '../events/record-tracer.js';

/** One attempt to handle one record. */
export interface Attempt {
  /** 1 for the first attempt. `environment` failures do not increase it. */
  readonly number: number;
  /**
   * Aborts when the consumer no longer waits for the attempt: the partition was revoked, a stop reached its drain timeout, or
   * the attempt exceeded its time limit. Work done after the abort may be repeated by this member or another one.
   */
  readonly signal: AbortSignal;
  /** Whether a dependency was unavailable while this attempt ran, up to now: its failure does not count then. */
  readonly isDuringOutage?: boolean;
  /**
   * A number that a sink can compare, to refuse the work of an older owner. It grows with each ownership of the partition as long as the
   * group exists: the group's generation at its start times 2^21, plus a counter. Write it with a condition, such as
   * `WHERE fence <= :fence`, for each partition or key. A group that was deleted begins again.
   */
  readonly fence: number;
  /**
   * Whether the handler may begin something for the record: false once the signal has aborted, the attempt has ended, or the consumer has lost
   * contact to its group for three heartbeats. Read it before each effect of a handler with several. It creates no signal, so it is cheap.
   */
  readonly isCurrent: boolean;
  /** The record's trace; `undefined` when it is not traced. */
  readonly trace?: RecordTrace | undefined;
  /**
   * Takes the next record of the same key, which waits until this one is done, so that one batch can have both. Its attempt ends together
   * with this one: call `report` before this attempt's promise resolves. If this attempt or an earlier taken record fails, or if nothing
   * was reported, the taken record counts as not tried.
   * @returns undefined when no record waits, or when it may not start now
   */
  takeNext(): TakenRecord | undefined;
}

/** A record whose attempt ends when it is reported. */
export interface OpenRecord {
  readonly record: ConsumedRecord;
  readonly attempt: Attempt;
  /** Ends the attempt: without an error, the record's effect is durable. Later calls are ignored. Call it as a method of the record. */
  report(error?: Error): void;
}

/** A record that was taken together with an earlier one of its key, and its attempt. */
export interface TakenRecord {
  readonly record: ConsumedRecord;
  readonly attempt: Pick<Attempt, 'number' | 'signal' | 'fence' | 'isCurrent' | 'trace'>;
  /** Reports the result: without an error, that its effect is durable. */
  report(error?: Error): void;
}

/**
 * Handles one record. It must resolve only when the effect is durable: the consumer then completes the record and does not
 * retry it. A crash can still cause a redelivery (at least once), so the effect must be idempotent.
 * To handle several records in one call, see `batchHandler`. To need no promise for each record, see `reportingHandler`.
 */
export type RecordHandler = (record: ConsumedRecord, attempt: Attempt) => Promise<void>;
