import { Injectable, Controller, Get, Param } from '@nestjs/common';
import { UUID } from 'mongodb';
import { z } from 'zod';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { chunksCollection } from '#orders/operation/acknowledged-chunks.js';
import { batchOfNumber } from '#orders/numbering/intake-batches.js';
import { type OrderDocument, ordersCollection } from '#orders/order/order-document.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { settledIndexOf } from '#orders/settled/settled-blocks.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { timeLimit } from '#orders/time-limit.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { AbsentOrders, orderId } from './orders/order-by-id.js';

const count = z.int().min(0);

const OrderTraceSchema = z
  .object({
    id: z.uuid(),
    operationId: z.uuid().nullable().describe('The operation that created the order; `null`: unknown.'),
    index: count.nullable().describe('The index of the order in its operation, from 0.'),
    chunk: z
      .object({ from: count, to: count.describe('The last index of the chunk.') })
      .meta({ title: 'Chunk' })
      .nullable()
      .describe(
        'The chunk of orders that Kafka acknowledged together with this one; `null`: unknown, also some time after the end of its operation.',
      ),
    partition: count,
    offset: count.describe('The offset of the record that was saved.'),
    attempts: z.int().min(1).describe('Attempts until the order was saved.'),
    savedAt: z.iso.datetime(),
  })
  .meta({ title: 'OrderTrace' });

export type OrderTrace = z.infer<typeof OrderTraceSchema>;

const READ_TIMEOUT = { maxTimeMS: timeLimit(5_000) };
const UNKNOWN = { index: null, chunk: null };

/** Reads the processing history of an order: operation, chunk, record and save. */
@Injectable()
export class OrderTraces {
  constructor(private readonly mongo: Mongo) {}

  /** @returns `null` if no such order is saved */
  async of(id: string): Promise<OrderTrace | null> {
    const { db } = this.mongo;
    const order = await ordersCollection(db).findOne({ _id: new UUID(id) }, READ_TIMEOUT);
    if (order === null) return null;
    const { operationId, partition, offset, attempts, savedAt } = order.ingest;
    const saved = { partition, offset: Number(offset), attempts, savedAt: savedAt.toISOString() };
    const operation = operationId?.toHexString() ?? null;
    const place = operation === null ? UNKNOWN : await this.placeIn(operation, order);
    return { id, operationId: operation, ...place, ...saved };
  }

  /** Finds the index and the chunk of an order. The chunk of an intake is its batch. */
  private async placeIn(operationId: string, order: OrderDocument): Promise<Pick<OrderTrace, 'index' | 'chunk'>> {
    const batch = await batchOfNumber(this.mongo.db, Number(order.number), READ_TIMEOUT);
    if (batch?.operationId === operationId) {
      const { _id: first, from, count: orders } = batch;
      return { index: from + Number(order.number) - first, chunk: { from, to: from + orders - 1 } };
    }
    const index =
      (await this.indexIn(operationId, order)) ??
      (await settledIndexOf(this.mongo.db, operationId, Number(order.number), READ_TIMEOUT));
    return { index, chunk: index === null ? null : await this.chunkOf(operationId, index) };
  }

  private async indexIn(operationId: string, { number }: OrderDocument): Promise<number | null> {
    const operation = await operationsCollection(this.mongo.db).findOne(
      { _id: operationId },
      { projection: { firstNumber: 1, count: 1 }, ...READ_TIMEOUT },
    );
    // An intake has no first number.
    if (operation === null || operation.firstNumber === 0) return null;
    const index = Number(number) - operation.firstNumber;
    return index >= 0 && index < operation.count ? index : null;
  }

  private async chunkOf(operationId: string, index: number): Promise<OrderTrace['chunk']> {
    const [chunk] = await chunksCollection(this.mongo.db)
      // Scans a range of the `_id` index. MongoDB compares the fields of `_id` in their order.
      .find({ _id: { $lte: { operationId, from: index }, $gte: { operationId, from: 0 } } }, READ_TIMEOUT)
      .sort({ _id: -1 })
      .limit(1)
      .toArray();
    return chunk !== undefined && index < chunk.to ? { from: chunk._id.from, to: chunk.to - 1 } : null;
  }
}

@ApiTags('orders')
@RequiresScope('orders:read')
@Controller('v1/orders/:id/trace')
export class OrderTraceController {
  constructor(
    private readonly traces: OrderTraces,
    private readonly absent: AbsentOrders,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Get the processing history of an order',
    description: 'Returns the operation, chunk, partition, offset, number of attempts and the time of the save.',
  })
  @ApiOkResponse({ standardSchema: OrderTraceSchema })
  @ApiBadRequestResponse({ description: 'Problem details: the id is not a UUID' })
  @ApiNotFoundResponse({
    description: 'Problem details: no such order, or not saved yet. `order-archived`: it is in an archive',
  })
  async getOrderTrace(@Param('id', { schema: orderId }) id: string): Promise<OrderTrace> {
    const trace = await this.traces.of(id);
    if (trace !== null) return trace;
    await this.absent.requireNotArchived(id);
    throw this.absent.notSaved(id);
  }
}
