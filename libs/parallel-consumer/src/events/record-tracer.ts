import type { DrainReport } from './drain-report.js';
import type { AttemptOutcome } from './observer.js';
import type { ConsumedRecord, OutgoingRecord } from '../records/record.js';

/**
 * Follows records through the consumer, for traces. `OpenTelemetryTracer` of `/opentelemetry` is one.
 *
 * All methods are called synchronously on the way of a record: implementations must be cheap and must not throw.
 */
export interface RecordTracer {
  /**
   * Called when the consumer takes a record from its fetch buffer.
   * @param arrivedAt when the record's fetch arrived, in ms since 1970
   * @returns undefined for a record that is not traced: nothing more is called for it
   */
  taken(record: ConsumedRecord, arrivedAt: number): RecordTrace | undefined;
  /** Called after a rebalance. @param milliseconds from the start of the drain to the new assignment */
  rebalanced?(report: DrainReport, milliseconds: number): void;
}

/** How an attempt ended; `withdrawn`: nothing was begun, and the record counts as not tried. */
export type TracedOutcome = AttemptOutcome | 'withdrawn';

/** `handed-over`: the partition was revoked first, and its next owner handles the record again. */
export type TracedEnd = 'handled' | 'dead-lettered' | 'handed-over';

/** The trace of one record, from `RecordTracer.taken` to `ended`. */
export interface RecordTrace {
  /** Fields of log messages about the record, such as `trace_id`. */
  readonly logFields: Readonly<Record<string, string>>;
  /** When the record's fetch arrived, in ms since 1970. */
  readonly fetchedAt: number;
  /** When the consumer took the record from its fetch buffer, in ms since 1970. */
  readonly takenAt: number;
  /** When its latest attempt started, in ms since 1970; `undefined` before the first. */
  readonly startedAt: number | undefined;
  /** The record waited for an earlier one of its key or partition, which has ended. */
  keyFree(): void;
  /** An attempt begins. @param number 1 for the first attempt */
  attemptStarted(number: number): void;
  /** Runs the start of the handler, so that spans which it creates belong to the attempt. */
  run(start: () => void): void;
  /** Handles a batch that has this record and the others, so that spans which `handle` creates belong to the batch. */
  runBatch<T>(size: number, others: readonly RecordTrace[], handle: () => Promise<T>): Promise<T>;
  /** Returns the record to produce with the context of the attempt in its headers, unless it has one of its own. */
  inject<T extends OutgoingRecord>(record: T): T;
  /** The attempt has ended. @param error of an attempt that failed */
  attemptEnded(outcome: TracedOutcome, error?: unknown): void;
  /** The record will be tried again after a back-off. @param waitMs in milliseconds */
  retryScheduled(waitMs: number): void;
  /** Called once, last. @param error why the record was dead-lettered */
  ended(end: TracedEnd, error?: unknown): void;
}

/** Follows the batches that a `ReliableProducer` sends. */
export interface SendTracer {
  /** Called before a batch is sent. @returns undefined for a batch that is not traced */
  sending(topic: string, records: readonly OutgoingRecord[]): SendTrace | undefined;
}

/** The trace of one batch. */
export interface SendTrace {
  /** What to send: the same records, with the context of the trace in the headers of those that had none. */
  readonly records: readonly OutgoingRecord[];
  /** The batch is acknowledged, or has failed. @param error why it was not acknowledged */
  ended(error?: unknown): void;
}
