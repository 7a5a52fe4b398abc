import type { ConsumedRecord } from '../records/record.js';

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
