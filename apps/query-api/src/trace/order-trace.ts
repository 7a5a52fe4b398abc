import { Injectable } from '@nestjs/common';
import { UUID } from 'mongodb';
import { z } from 'zod';
import { chunksCollection } from '#orders/acknowledged-chunks.js';
import type { OrderDocument } from '#orders/order-document.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { operationsCollection } from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';

const count = z.int().min(0);

export const OrderTraceSchema = z
  .object({
    id: z.uuid(),
    operationId: z.uuid().nullable().describe('Which operation made it; `null`: none that is known.'),
    index: count.nullable().describe('Which of its orders it is, from 0 on.'),
    chunk: z
      .object({ from: count, to: count.describe('The last index of it.') })
      .nullable()
      .describe('The orders that Kafka acknowledged with it; `null`: unknown.'),
    partition: count,
    offset: count.describe('Where its record stands on the topic: the one that was saved.'),
    attempts: z.int().min(1).describe('Tries until it was saved.'),
    savedAt: z.iso.datetime(),
  })
  .meta({ title: 'OrderTrace' });

export type OrderTrace = z.infer<typeof OrderTraceSchema>;

const QUICKLY = { maxTimeMS: 5_000 };

/** How an order came to be where it is. */
@Injectable()
export class OrderTraces {
  constructor(private readonly mongo: Mongo) {}

  /** @returns `null`: there is no such order */
  async of(id: string): Promise<OrderTrace | null> {
    const { db } = this.mongo;
    const order = await ordersCollection(db).findOne({ _id: new UUID(id) }, QUICKLY);
    if (order === null) return null;
    const { operationId, partition, offset, attempts, savedAt } = order.ingest;
    const saved = { partition, offset: Number(offset), attempts, savedAt: savedAt.toISOString() };
    const operation = operationId?.toHexString() ?? null;
    const index = operation === null ? null : await this.indexIn(operation, order);
    const chunk = operation === null || index === null ? null : await this.chunkOf(operation, index);
    return { id, operationId: operation, index, chunk, ...saved };
  }

  private async indexIn(operationId: string, { number }: OrderDocument): Promise<number | null> {
    const operation = await operationsCollection(this.mongo.db).findOne(
      { _id: operationId },
      { projection: { firstNumber: 1, count: 1 }, ...QUICKLY },
    );
    if (operation === null) return null;
    const index = Number(number) - operation.firstNumber;
    return index >= 0 && index < operation.count ? index : null;
  }

  private async chunkOf(operationId: string, index: number): Promise<OrderTrace['chunk']> {
    const [chunk] = await chunksCollection(this.mongo.db)
      // A stretch of the index of `_id`, whose fields are compared in their order.
      .find({ _id: { $lte: { operationId, from: index }, $gte: { operationId, from: 0 } } }, QUICKLY)
      .sort({ _id: -1 })
      .limit(1)
      .toArray();
    return chunk !== undefined && index < chunk.to ? { from: chunk._id.from, to: chunk.to - 1 } : null;
  }
}
