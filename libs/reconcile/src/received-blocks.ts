import type { Db } from 'mongodb';
import { intakeBatchesCollection, unpackOrders, type IntakeBatch } from '#orders/operation/intake-batches.js';
import { numbersOf } from '#orders/operation/saved-count.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import type { ExpectedOrder } from './compare-block.js';
import { recordPositions, type PositionOf } from './record-position.js';
import { ReceivedOrder } from './sent-order.js';

/** Orders that are read and compared together. */
const GROUP_ORDERS = 2_000;
const GROUP_BATCHES = 200;
const MAJORITY = { readConcern: { level: 'majority' } } as const;

/** Yields groups of the batches of an intake that are in a state, in the order of their indexes and numbers. */
export async function* batchGroups(
  db: Db,
  operationId: string,
  state: IntakeBatch['state'],
): AsyncGenerator<readonly IntakeBatch[]> {
  let group: IntakeBatch[] = [];
  let orders = 0;
  for await (const batch of intakeBatchesCollection(db).find({ operationId, state }, MAJORITY).sort({ from: 1 })) {
    if (group.length > 0 && (orders + batch.count > GROUP_ORDERS || group.length === GROUP_BATCHES)) {
      yield group;
      group = [];
      orders = 0;
    }
    group.push(batch);
    orders += batch.count;
  }
  if (group.length > 0) yield group;
}

/** Returns the raw documents with the numbers of batches, sorted by number. */
export async function documentsOf(db: Db, batches: readonly IntakeBatch[]): Promise<Buffer[]> {
  const ranges = batches.map(({ _id, count }) => ({
    number: numbersOf({ firstNumber: _id }, { from: 0, to: count }),
  }));
  const found = await ordersCollection(db)
    .find({ $or: ranges }, { ...MAJORITY, raw: true, batchSize: GROUP_ORDERS + 1 })
    .sort({ number: 1 })
    .hint('number')
    .toArray();
  // With `raw` the driver returns bytes, despite the collection's type.
  return found as unknown as Buffer[];
}

/** Returns the orders of batches by index. */
export function expectedOf(batches: readonly IntakeBatch[]): ExpectedOrder[] {
  return batches.flatMap((batch) =>
    unpackOrders(batch).map(({ id, hash, createdAtAssigned }, position) => ({
      index: batch.from + position,
      order: new ReceivedOrder(id, batch._id + position, hash, createdAtAssigned ? batch.at : undefined),
      isFaulty: false,
    })),
  );
}

/** Returns the positions of the records of acknowledged batches. */
export function batchPositions(batches: readonly IntakeBatch[]): PositionOf {
  const lookUps = batches.map((batch) => {
    const placed = unpackOrders(batch).map(({ partition }, at) => ({
      index: batch.from + at,
      fault: undefined,
      partition,
    }));
    return recordPositions(batch.parts ?? [], placed);
  });
  return (index, fault) => {
    const at = batches.findIndex(({ from, count }) => from <= index && index < from + count);
    return lookUps[at]?.(index, fault);
  };
}
