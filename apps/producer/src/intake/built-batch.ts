import { packOrders, packValues, type IntakeBatch, type KeyedRequest } from '#orders/numbering/intake-batches.js';
import type { ReservedBlock } from '#orders/numbering/number-blocks.js';
import { completeOrder } from '#orders/order/intake-order.js';
import { contentHash } from '#orders/order/order-content.js';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import type { IntakeTopic } from './intake-topic.js';
import type { PendingRequest } from './pending-request.js';

/** How long a key is stored, in ms: a client can retry for two days. */
const KEY_TTL_MS = 2 * 24 * 60 * 60 * 1000;

/** The batches to store for a block, and the records to send once they are stored. */
export interface BuiltBatch {
  /** The batch of the orders, and an abandoned one if the block has more numbers than there are orders. */
  readonly documents: readonly IntakeBatch[];
  readonly records: readonly OutgoingRecord[];
}

type Encoder = Pick<IntakeTopic, 'intakeRecord'>;

/** Gives the orders of requests the numbers of a block, from its first one on. @param at MongoDB's time */
export function buildBatch(
  requests: readonly PendingRequest[],
  block: ReservedBlock,
  at: Date,
  topic: Encoder,
): BuiltBatch {
  const { first, operationId, from } = block;
  const orders = [];
  const records: OutgoingRecord[] = [];
  const keyed: KeyedRequest[] = [];
  for (const { content, size } of requests) {
    if (content.keyed !== undefined) keyed.push({ ...content.keyed, at: records.length, count: size });
    for (const [position, intake] of content.orders.entries()) {
      const place = records.length;
      // Without a key and an id, the order can't be repeated: its id is new.
      const isRepeatable = content.keyed !== undefined || intake.id !== undefined;
      const createdAtAssigned = isRepeatable && intake.createdAt === undefined;
      const id = content.ids[position] ?? '';
      const order = completeOrder(intake, { id, number: first + place, createdAt: at });
      const record = topic.intakeRecord(order, { operationId, index: from + place, createdAtAssigned });
      records.push(record);
      orders.push({ id, hash: contentHash(order), partition: record.partition, createdAtAssigned });
    }
  }
  const document: IntakeBatch = {
    _id: first,
    operationId,
    from,
    count: records.length,
    state: 'reserved',
    at,
    orders: packOrders(orders),
    values: packValues(records.map(({ value }) => value as Buffer)),
    ...(keyed.length > 0 && { requests: keyed, keysUntil: new Date(at.getTime() + KEY_TTL_MS) }),
  };
  if (records.length === block.count) return { documents: [document], records };
  return { documents: [document, abandoned(skip(block, records.length), at)], records };
}

/** Returns the block without its first numbers. */
export function skip({ first, from, count, operationId }: ReservedBlock, numbers: number): ReservedBlock {
  return { operationId, first: first + numbers, from: from + numbers, count: count - numbers };
}

/** Returns the batch of numbers that have no orders. */
export function abandoned({ first, operationId, from, count }: ReservedBlock, at: Date): IntakeBatch {
  return { _id: first, operationId, from, count, state: 'abandoned', at };
}
