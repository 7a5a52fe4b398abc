import { Injectable } from '@nestjs/common';
import { Long, UUID } from 'mongodb';
import type { OrderCodec } from '#orders/order-codec.js';
import { toDocument, type OrderDocument } from '#orders/order-document.js';
import { readOrigin } from '#orders/record-headers.js';
import type { Batcher } from '#parallel-consumer/attempts/batcher.js';
import type { Attempt } from '#parallel-consumer/options.js';
import type { ConsumedRecord } from '#parallel-consumer/record.js';
import type { InsertResult } from './bulk-insert.js';
import type { SimulatedDelay } from './simulated-delay.js';

/** Another order holds the id or the number: the record is poison, and what is saved stays as it is. */
export class OrderConflictError extends Error {
  override readonly name = 'OrderConflictError';
  readonly code = 'conflict';
}

/** MongoDB refuses this very document. */
export class OrderRefusedError extends Error {
  override readonly name = 'OrderRefusedError';
  readonly code = 'refused-by-database';
}

/** What becomes of one record: held up as slow I/O would, read, then written durably together with its neighbours. */
@Injectable()
export class OrderSaver {
  /** Saves that found the same order there already, since the start. */
  repeated = 0;

  constructor(
    private readonly codec: OrderCodec,
    private readonly delay: SimulatedDelay,
    private readonly inserts: Batcher<OrderDocument, InsertResult>,
  ) {}

  /** Resolves once the order is durable. */
  async save(record: ConsumedRecord, attempt: Attempt): Promise<void> {
    await this.delay.wait();
    // Decoded only now: thousands wait at once, and bytes that wait are a fraction of the objects made of them.
    const order = await this.codec.decode(record.value);
    const origin = readOrigin(record.headers);
    const document = toDocument(order, {
      operationId: origin === undefined ? null : new UUID(origin.operationId),
      partition: record.partition,
      offset: Long.fromNumber(record.offset),
      attempts: attempt.number,
      savedAt: new Date(),
    });
    const result = await this.inserts.add(document);
    switch (result.kind) {
      case 'saved':
        return;
      case 'repeated':
        this.repeated += 1;
        return;
      case 'conflict':
        throw new OrderConflictError(result.reason);
      case 'refused':
        throw new OrderRefusedError(result.reason);
    }
  }
}
