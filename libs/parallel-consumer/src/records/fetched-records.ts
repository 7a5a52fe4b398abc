import type { AbortedTransaction } from '../protocol/fetch-request.js';
import type { ConsumedRecord } from './record.js';
import { AbortedTransactions } from './aborted-transactions.js';
import { FetchedRecord } from './fetched-record.js';
import { RecordBatch } from './record-batch.js';
import { VarintCursor } from './varint.js';

/** The decompressed batches of one fetch. */
export interface Decompression {
  /** Size of the batches that were decompressed since `release`, in bytes. */
  readonly decompressedBytes: number;
  /** Whether the next record is in a batch that is to be decompressed. */
  readonly mustDecompress: boolean;
  /** Drops the decompressed bytes. The next record decompresses its batch again. Records that were read keep theirs until `detach`. */
  release(): void;
}

/** The bytes of one partition in a fetch, and the data needed to read them. */
export interface FetchedBytes {
  readonly topic: string;
  readonly partition: number;
  /** The requested offset. The first batch may contain records below it, which are skipped. */
  readonly fetchOffset: number;
  /** Record batches as stored by the broker. */
  readonly bytes: Buffer;
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Maximum size of a decompressed batch, in bytes. Default 64 MiB. */
  readonly maxDecompressedBytes?: number;
}

/** 64 times the size of a compressed batch that Kafka accepts by default. */
export const MAX_DECOMPRESSED_BYTES = 64 * 1024 * 1024;

const NO_BYTES = Buffer.alloc(0);

/**
 * Iterates over the committed records of one partition in a fetch, in offset order. It creates records on demand: created all at
 * once, they would survive the collections of the young generation. A generator would cost more than reading a record.
 */
export class FetchedRecords implements Iterable<ConsumedRecord>, Iterator<ConsumedRecord, undefined>, Decompression {
  decompressedBytes = 0;
  private readonly cursor = new VarintCursor();
  private readonly aborted: AbortedTransactions;
  private batch: RecordBatch | undefined;
  private nextBatchAt = 0;
  /** The uncompressed records of the current batch. */
  private records: Buffer = NO_BYTES;
  private left = 0;
  private baseOffset = 0;
  private baseTimestamp = 0;
  private appendTime: number | undefined;
  /** The position in the current batch since `release`. */
  private released: { readonly at: number; readonly left: number } | undefined;

  constructor(private readonly fetched: FetchedBytes) {
    this.aborted = new AbortedTransactions(fetched.abortedTransactions);
  }

  [Symbol.iterator](): this {
    return this;
  }

  get mustDecompress(): boolean {
    if (this.left > 0) return false;
    try {
      return RecordBatch.at(this.fetched.bytes, this.nextBatchAt)?.isCompressed ?? false;
    } catch {
      // `next` reports the unreadable batch.
      return false;
    }
  }

  release(): void {
    if (this.left > 0 && this.batch !== undefined) {
      this.released = { at: this.cursor.at, left: this.left };
      this.nextBatchAt = this.batch.start;
      this.left = 0;
    }
    this.records = NO_BYTES;
    this.decompressedBytes = 0;
  }

  /** Returns the next record. @throws UnreadableRecordsError at an unreadable batch, on this and each further call */
  next(): IteratorResult<ConsumedRecord, undefined> {
    for (;;) {
      if (this.left === 0 && !this.openBatch()) return { done: true, value: undefined };
      const record = this.readRecord();
      if (record.offset >= this.fetched.fetchOffset) return { done: false, value: record };
    }
  }

  /** Opens the next batch that has visible records. @returns false at the end of the fetch */
  private openBatch(): boolean {
    const { bytes, fetchOffset } = this.fetched;
    for (;;) {
      const batch = RecordBatch.at(bytes, this.nextBatchAt);
      if (batch === undefined) return false;
      // Before its attributes are trusted: a wrong bit there would hide the batch.
      batch.checkCrc();
      const isHidden = this.aborted.hides(batch);
      if (!isHidden && batch.recordCount > 0 && batch.lastOffset >= fetchOffset) {
        this.records = batch.records(this.fetched.maxDecompressedBytes ?? MAX_DECOMPRESSED_BYTES);
        if (batch.isCompressed) this.decompressedBytes += this.records.length;
        this.batch = batch;
        this.nextBatchAt = batch.end;
        this.cursor.at = this.released?.at ?? 0;
        this.left = this.released?.left ?? batch.recordCount;
        this.released = undefined;
        this.baseOffset = batch.baseOffset;
        this.baseTimestamp = batch.baseTimestamp;
        this.appendTime = batch.appendTime;
        return true;
      }
      this.nextBatchAt = batch.end;
    }
  }

  private readRecord(): FetchedRecord {
    const { cursor, records } = this;
    const { topic, partition } = this.fetched;
    const length = cursor.next(records);
    const end = cursor.at + length;
    // Skips the attributes byte, which Kafka does not use yet.
    cursor.at += 1;
    const timestamp = this.appendTime ?? this.baseTimestamp + cursor.next(records);
    if (this.appendTime !== undefined) cursor.next(records);
    const offset = this.baseOffset + cursor.next(records);
    const keyLength = cursor.next(records);
    const keyAt = cursor.at;
    cursor.at = keyAt + Math.max(0, keyLength);
    const valueLength = cursor.next(records);
    const valueAt = cursor.at;
    const valueEnd = valueAt + Math.max(0, valueLength);
    if (!(valueEnd <= end && end <= records.length)) throw this.corrupt();
    cursor.at = end;
    this.left -= 1;
    return new FetchedRecord(topic, partition, offset, timestamp, records, keyAt, keyLength, valueAt, valueLength, end);
  }

  private corrupt(): Error {
    const error = this.batch?.corrupt('has a record that extends past its end');
    return error ?? new Error('no batch is open');
  }
}
