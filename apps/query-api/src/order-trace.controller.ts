import { Injectable, Controller, Get, Param } from '@nestjs/common';
import { UUID } from 'mongodb';
import { z } from 'zod';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import type { Fault } from '#orders/generator/fault-mix.js';
import { chunksCollection } from '#orders/operation/acknowledged-chunks.js';
import { batchOfNumber } from '#orders/numbering/intake-batches.js';
import { type OrderDocument, ordersCollection } from '#orders/order/order-document.js';
import { type OperationDocument, operationsCollection } from '#orders/operation/operation.js';
import { settledIndexOf } from '#orders/settled/settled-blocks.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { timeLimit } from '#orders/time-limit.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { AbsentOrders, orderId } from './orders/order-by-id.js';
import { type OrderLetter, orderSteps, OrderStepSchema } from './orders/order-steps.js';
import { TRACE_ID_PLACEHOLDER } from './settings-schema.js';

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
    steps: z
      .array(OrderStepSchema)
      .describe('What is stored of what happened to the order, in this order. More is stored of a traced order.'),
    traceUrl: z
      .url()
      .nullable()
      .describe('Its trace in the UI of `TRACE_URL_TEMPLATE`; `null`: it was not traced, or the setting is not set.'),
  })
  .meta({ title: 'OrderTrace' });

export type OrderTrace = z.infer<typeof OrderTraceSchema>;

const READ_TIMEOUT = { maxTimeMS: timeLimit(5_000) };
/** Dead letters of duplicate and conflicting records are not those of the order itself. */
const EXTRA_RECORDS: Fault[] = ['duplicate', 'conflict'];

/** The place of an order in its operation. */
interface OrderPlace extends Pick<OrderTrace, 'index' | 'chunk'> {
  /** `null`: unknown. */
  readonly requestedAt: Date | null;
}

/** Links traces to the UI that shows them. */
export class TraceLinks {
  /** @param template an address with the placeholder; `undefined`: there is no such UI */
  constructor(private readonly template: string | undefined) {}

  /** @returns `null` without a template or a trace */
  urlOf(traceId: string | undefined): string | null {
    if (this.template === undefined || traceId === undefined) return null;
    return this.template.replaceAll(TRACE_ID_PLACEHOLDER, traceId);
  }
}

/** Reads the processing history of an order: operation, chunk, record, dead letter and save. */
@Injectable()
export class OrderTraces {
  constructor(
    private readonly mongo: Mongo,
    private readonly links: TraceLinks,
  ) {}

  /** @returns `null` if no such order is saved */
  async of(id: string): Promise<OrderTrace | null> {
    const { db } = this.mongo;
    const order = await ordersCollection(db).findOne({ _id: new UUID(id) }, READ_TIMEOUT);
    if (order === null) return null;
    const { ingest } = order;
    const { partition, offset, attempts, savedAt } = ingest;
    const saved = { partition, offset: Number(offset), attempts, savedAt: savedAt.toISOString() };
    const operationId = ingest.operationId?.toHexString() ?? null;
    const traceUrl = this.links.urlOf(ingest.trace?.id);
    if (operationId === null) {
      const steps = orderSteps({ requestedAt: undefined, letter: undefined, ingest });
      return { id, operationId, index: null, chunk: null, ...saved, steps, traceUrl };
    }
    const { index, chunk, requestedAt } = await this.placeIn(operationId, order);
    const letter = index === null ? undefined : await this.letterOf(operationId, index);
    return { id, operationId, index, chunk, ...saved, steps: orderSteps({ requestedAt, letter, ingest }), traceUrl };
  }

  /** Finds the index and the chunk of an order, and when it was requested. The chunk of an intake is its batch. */
  private async placeIn(operationId: string, order: OrderDocument): Promise<OrderPlace> {
    const number = Number(order.number);
    const batch = await batchOfNumber(this.mongo.db, number, READ_TIMEOUT);
    if (batch?.operationId === operationId) {
      const { _id: first, from, count: orders, at } = batch;
      return { index: from + number - first, chunk: { from, to: from + orders - 1 }, requestedAt: at };
    }
    const operation = await this.segmented(operationId);
    const index =
      indexIn(operation, number) ?? (await settledIndexOf(this.mongo.db, operationId, number, READ_TIMEOUT));
    const chunk = index === null ? null : await this.chunkOf(operationId, index);
    return { index, chunk, requestedAt: operation?.requestedAt ?? null };
  }

  /** @returns `null` for an intake, which has no first number, and is requested order by order */
  private async segmented(operationId: string): Promise<SegmentedPlace | null> {
    const operation = await operationsCollection(this.mongo.db).findOne<SegmentedPlace>(
      { _id: operationId },
      { projection: { firstNumber: 1, count: 1, requestedAt: 1 }, ...READ_TIMEOUT },
    );
    return operation?.firstNumber === 0 ? null : operation;
  }

  /** @returns undefined also once the dead letters of its block are compacted */
  private async letterOf(operationId: string, index: number): Promise<OrderLetter | undefined> {
    const letter = await deadLettersCollection(this.mongo.db).findOne(
      { operationId, index, fault: { $nin: EXTRA_RECORDS } },
      { sort: { _id: 1 }, ...READ_TIMEOUT },
    );
    return letter ?? undefined;
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

type SegmentedPlace = Pick<OperationDocument, 'firstNumber' | 'count' | 'requestedAt'>;

function indexIn(operation: SegmentedPlace | null, number: number): number | null {
  if (operation === null) return null;
  const index = number - operation.firstNumber;
  return index >= 0 && index < operation.count ? index : null;
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
    description:
      'Returns the operation, chunk, partition, offset, number of attempts and the time of the save, and the steps from the request to the save.',
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
