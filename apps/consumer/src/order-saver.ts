import { Injectable } from '@nestjs/common';
import { Long, UUID } from 'mongodb';
import type { OrderCodec } from '#orders/order-codec.js';
import { toDocument, type OrderDocument } from '#orders/order-document.js';
import { readOperationId } from '#orders/record-headers.js';
import { batchHandler, type BatchItem, type BatchResult } from '#parallel-consumer/attempts/batch-handler.js';
import { BatchResultsError } from '#parallel-consumer/attempts/batcher.js';
import type { Attempt, RecordHandler } from '#parallel-consumer/options.js';
import type { ConsumedRecord } from '#parallel-consumer/record.js';
import type { InsertResult } from './bulk-insert.js';
import type { SimulatedDelay } from './simulated-delay.js';

/** A document in a large bulk costs MongoDB a 25th of an insert of its own. */
const BATCHES = { maxBatchSize: 4_000, maxBatchWaitMs: 20 };

/** Another order holds the id or the number: the record is poison, and what is saved stays as it is. */
export class OrderConflictError extends Error {
  override readonly name = 'OrderConflictError';
  readonly code = 'conflict';
}

/** A record's value is over the size limit. It was not read. */
export class OversizedOrderError extends Error {
  override readonly name = 'OversizedOrderError';
  readonly code = 'oversized';

  constructor(bytes: number, maxBytes: number) {
    super(`the value has ${bytes} bytes, and an order at most ${maxBytes} (setting MAX_ORDER_BYTES)`);
  }
}

/** MongoDB refuses this very document. */
export class OrderRefusedError extends Error {
  override readonly name = 'OrderRefusedError';
  readonly code = 'refused-by-database';
}

/** What becomes of one record: held up as slow I/O would, then read and written durably together with its neighbours. */
@Injectable()
export class OrderSaver {
  /** Saves that found the same order there already, since the start. */
  repeated = 0;
  private readonly write: RecordHandler;
  private operation: { readonly text: string; readonly id: UUID } | undefined;

  /**
   * @param insert as `insertOrders`: one result for each document, in their order
   * @param maxBytes of a record's value
   */
  constructor(
    private readonly codec: Pick<OrderCodec, 'learn' | 'decode'>,
    private readonly delay: SimulatedDelay,
    private readonly maxBytes: number,
    private readonly insert: (documents: readonly OrderDocument[]) => Promise<readonly InsertResult[]>,
  ) {
    this.write = batchHandler({ handle: async (items) => this.saveTogether(items), ...BATCHES });
  }

  /**
   * Resolves once the order is durable. Not an async function: the frame of one would be kept through the wait, for each of
   * the thousands that wait at once. An unknown schema is asked for here, where it holds up its own record and no other.
   */
  save(record: ConsumedRecord, attempt: Attempt): Promise<void> {
    // Before the wait: thousands of large ones must not wait at once. Each access to `value` makes a Buffer.
    const bytes = record.byteLength > this.maxBytes ? (record.value?.length ?? 0) : 0;
    if (bytes > this.maxBytes) return Promise.reject(new OversizedOrderError(bytes, this.maxBytes));
    return this.delay.wait(record).then(() => {
      const learning = this.codec.learn(record.value);
      if (learning === undefined) return this.write(record, attempt);
      return learning.then(async () => this.write(record, attempt));
    });
  }

  /**
   * Decoded only now, with the insert at hand: bytes that wait are a fraction of the objects made of them. Inserted in the
   * order of their numbers, which are neighbours in three indexes then: in the random order in which the waits end, MongoDB
   * needs a fifth more CPU for them.
   */
  private async saveTogether(items: readonly BatchItem[]): Promise<BatchResult[]> {
    const results: BatchResult[] = items.map(() => undefined);
    const orders: { readonly index: number; readonly number: number; readonly document: OrderDocument }[] = [];
    const savedAt = new Date();
    for (const [index, item] of items.entries()) {
      try {
        const document = this.documentOf(item, savedAt);
        orders.push({ index, number: document.number.toNumber(), document });
      } catch (error) {
        results[index] = error as Error;
      }
    }
    orders.sort((a, b) => a.number - b.number);
    const inserted = orders.length === 0 ? [] : await this.insert(orders.map(({ document }) => document));
    if (inserted.length !== orders.length) throw new BatchResultsError(orders.length, inserted.length);
    for (const [place, { index }] of orders.entries()) results[index] = this.resultOf(inserted[place] as InsertResult);
    return results;
  }

  private documentOf({ record, attempt }: BatchItem, savedAt: Date): OrderDocument {
    return toDocument(this.codec.decode(record.value), {
      operationId: this.operationIdOf(record),
      partition: record.partition,
      offset: Long.fromNumber(record.offset),
      attempts: attempt.number,
      savedAt,
    });
  }

  /** The orders of a batch share one nearly always. */
  private operationIdOf({ headers }: ConsumedRecord): UUID | null {
    const text = readOperationId(headers);
    if (text === undefined) return null;
    if (this.operation?.text !== text) this.operation = { text, id: new UUID(text) };
    return this.operation.id;
  }

  private resultOf(result: InsertResult): BatchResult {
    switch (result.kind) {
      case 'saved':
        return undefined;
      case 'repeated':
        this.repeated += 1;
        return undefined;
      case 'conflict':
        return new OrderConflictError(result.reason);
      case 'refused':
        return new OrderRefusedError(result.reason);
    }
  }
}
