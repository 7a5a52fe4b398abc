import { Injectable } from '@nestjs/common';
import { Long, UUID } from 'mongodb';
import {
  batchHandler,
  type BatchItem,
  type BatchResult,
  BatchResultsError,
  type ConsumedRecord,
  type FailureClassifier,
  type OpenRecord,
  type RecordTrace,
  reportingHandler,
  type ReportingHandler,
} from '@orders-pipeline/parallel-consumer';
import { isCreatedAtAssigned, readOperationId } from '#orders/operation/record-headers.js';
import { type OrderCodec, UndecodableOrderError } from '#orders/order/order-codec.js';
import { type Ingest, type OrderDocument, toDocument } from '#orders/order/order-document.js';
import type { InsertOrders, InsertResult } from './bulk-insert.js';
import type { Delay } from './simulated-delay.js';

/** In a large bulk, a document costs MongoDB a 25th of a single insert. */
const MAX_BATCH_SIZE = 4_000;

/** Limits of saves. */
interface SaveLimits {
  /** Of a record's value. */
  readonly maxBytes: number;
  /** The longest time that an order waits for others, in ms. */
  readonly batchWaitMs: number;
}

/**
 * Thrown when a record can't be saved.
 * - `conflict`: another order has its id or its number, and stays unchanged
 * - `oversized`: its value is over the size limit, and is not decoded
 * - `refused-by-database`: MongoDB rejects this document
 * - `order-archived`: it is a new record of an archived order; whether it has the same content is not known here
 * - `refused-by-service`: for your own call in place of the simulated delay: the service rejects this order for good
 */
export class UnsavableOrderError extends Error {
  override readonly name = 'UnsavableOrderError';

  constructor(
    readonly code: 'conflict' | 'oversized' | 'refused-by-database' | 'order-archived' | 'refused-by-service',
    message: string,
  ) {
    super(message);
  }
}

/** Saves records: waits for the simulated delay, then decodes each record and writes it durably in a batch. */
@Injectable()
export class OrderSaver {
  /** Number of saves that found the same order saved before, since the start. */
  repeated = 0;
  /**
   * Ends an attempt once the order is durable. It reports the ends, since the promises of thousands of waiting records would stay alive
   * during their delays.
   */
  readonly handler: ReportingHandler;
  private readonly batches: ReportingHandler;
  private operation: { readonly text: string; readonly id: UUID } | undefined;

  /**
   * @param insert inserts documents like `insertOrders`: one result per document, in the same order
   */
  constructor(
    private readonly codec: Pick<OrderCodec, 'learn' | 'decode'>,
    delay: Delay,
    private readonly limits: SaveLimits,
    private readonly insert: InsertOrders,
  ) {
    this.batches = batchHandler({
      handle: async (items) => this.saveTogether(items),
      maxBatchSize: MAX_BATCH_SIZE,
      maxBatchWaitMs: limits.batchWaitMs,
    });
    const wait = delay((item) => this.join(item));
    this.handler = reportingHandler((item) => {
      const oversized = this.oversized(item.record);
      if (oversized === undefined) wait(item);
      else item.report(oversized);
    });
  }

  /** Checked before the delay, so that thousands of large records do not wait at once. Each access to `value` creates a Buffer. */
  private oversized(record: ConsumedRecord): UnsavableOrderError | undefined {
    const { maxBytes } = this.limits;
    const bytes = record.byteLength > maxBytes ? (record.value?.length ?? 0) : 0;
    if (bytes <= maxBytes) return undefined;
    const limit = `the value must have at most ${maxBytes} bytes (setting MAX_ORDER_BYTES), got ${bytes}`;
    return new UnsavableOrderError('oversized', limit);
  }

  /** Adds a record to the next batch. An unknown schema is requested first, and delays only its own records. */
  private join(item: OpenRecord): void {
    const learning = this.codec.learn(item.record.value);
    if (learning === undefined) this.batches.start(item);
    else
      learning.then(
        () => this.batches.start(item),
        (error: Error) => item.report(error),
      );
  }

  /**
   * Decodes and inserts a batch. Records are decoded only now, since waiting bytes use a fraction of the memory of decoded
   * objects. Orders are inserted by number, so that they are neighbours in three indexes: in the random order in which delays
   * end, MongoDB needs a fifth more CPU.
   */
  private async saveTogether(items: readonly BatchItem[]): Promise<BatchResult[]> {
    const results: BatchResult[] = [];
    const orders: { readonly index: number; readonly number: number; readonly document: OrderDocument }[] = [];
    const savedAt = new Date();
    for (const item of items) {
      try {
        const document = this.documentOf(item, savedAt);
        orders.push({ index: results.length, number: document.number.toNumber(), document });
        results.push(undefined);
      } catch (error) {
        results.push(error as Error);
      }
    }
    orders.sort((a, b) => a.number - b.number);
    const inserted = orders.length === 0 ? [] : await this.insert(orders.map(({ document }) => document));
    if (inserted.length !== orders.length) throw new BatchResultsError(orders.length, inserted.length);
    let place = 0;
    for (const { index } of orders) {
      results[index] = this.resultOf(inserted[place] as InsertResult);
      place += 1;
    }
    return results;
  }

  private documentOf({ record, attempt }: BatchItem, savedAt: Date): OrderDocument {
    // Read once: each access decodes the headers again.
    const { headers } = record;
    return toDocument(this.codec.decode(record.value), {
      operationId: this.operationIdOf(headers),
      partition: record.partition,
      offset: Long.fromNumber(record.offset),
      attempts: attempt.number,
      savedAt,
      ...(isCreatedAtAssigned(headers) && { createdAtAssigned: true as const }),
      ...tracedIngest(record, attempt.trace),
    });
  }

  /** Caches the last id, since the orders of a batch nearly always share one. */
  private operationIdOf(headers: ConsumedRecord['headers']): UUID | null {
    const text = readOperationId(headers);
    if (text === undefined) return null;
    if (this.operation?.text !== text) this.operation = { text, id: new UUID(text) };
    return this.operation.id;
  }

  private resultOf(result: InsertResult): BatchResult {
    switch (result.kind) {
      case 'saved':
        return undefined;
      case 'replayed':
      case 'repeated':
        this.repeated += 1;
        return undefined;
      case 'conflict':
        return new UnsavableOrderError('conflict', result.reason);
      case 'refused':
        return new UnsavableOrderError('refused-by-database', result.reason);
      case 'archived':
        return new UnsavableOrderError('order-archived', result.reason);
    }
  }
}

/** Returns the times of a traced record; `undefined` for any other, since they take 130 bytes of each order. */
function tracedIngest(
  { timestamp }: Pick<ConsumedRecord, 'timestamp'>,
  traced: RecordTrace | undefined,
): Pick<Ingest, 'trace'> | undefined {
  const id = traced?.logFields['trace_id'];
  if (traced === undefined || id === undefined) return undefined;
  const { fetchedAt, takenAt, startedAt = takenAt } = traced;
  return {
    trace: {
      id,
      appendedAt: new Date(timestamp),
      fetchedAt: new Date(fetchedAt),
      takenAt: new Date(takenAt),
      startedAt: new Date(startedAt),
    },
  };
}

/**
 * Classifies a failed save. Only errors that the record certainly caused may count as attempts or dead-letter it. All others
 * come from MongoDB, the schema registry or the network; they say nothing about the order, and the save is retried for ever.
 */
export const classifySaveFailure: FailureClassifier = (error) => {
  if (error instanceof UndecodableOrderError) return 'poison';
  if (!(error instanceof UnsavableOrderError)) return 'environment';
  return error.code === 'refused-by-database' ? 'retriable' : 'poison';
};
