import { UUID, type Db } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { intakeBatchesCollection, unpackOrders, type IntakeBatch } from '#orders/numbering/intake-batches.js';
import {
  FULL_BLOCK_ORDERS,
  isEmitted,
  operationsCollection,
  type EmittedDocument,
} from '#orders/operation/operation.js';
import { countSaved, numbersOf } from '#orders/operation/saved-count.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { settledTotals } from '#orders/settled/settled-blocks.js';

/** A segment of which Kafka had acknowledged orders that are not saved. */
export interface UnsavedSegment {
  readonly from: number;
  /** One past the last acknowledged index. */
  readonly to: number;
  readonly unsaved: number;
}

/** An operation whose orders can be made again. */
export interface UnsavedEmission {
  readonly id: string;
  readonly kind: EmittedDocument['kind'];
  readonly status: EmittedDocument['status'];
  readonly segments: readonly UnsavedSegment[];
}

/** A received order that is neither saved nor a dead letter: only its client has it. */
export interface UnsavedOrder {
  readonly operationId: string;
  readonly number: number;
  readonly id: string;
}

/** A batch with received orders that only their clients have. */
export interface UnsavedBatch {
  readonly batch: IntakeBatch;
  readonly orders: readonly UnsavedOrder[];
}

const BATCHES_AT_ONCE = 200;

/**
 * Finds operations that emit orders, and of which Kafka had acknowledged some that are not saved; dead letters count as not saved. The
 * orders of settled blocks are final: each is saved, archived, or was discarded.
 */
export async function unsavedEmissions(db: Db): Promise<UnsavedEmission[]> {
  const found: UnsavedEmission[] = [];
  for await (const operation of operationsCollection(db).find({ kind: { $in: ['populate', 'import'] } })) {
    if (!isEmitted(operation)) continue;
    const segments: UnsavedSegment[] = [];
    const { ranges } = await settledTotals(db, operation._id);
    for (const { from, ackedTo: to } of operation.segments) {
      // A segment lies in one block.
      const block = from - (from % FULL_BLOCK_ORDERS);
      if (ranges.some((settled) => settled.from <= block && block < settled.to)) continue;
      const unsaved = to === from ? 0 : to - from - (await countSaved(db, operation, { from, to }));
      if (unsaved > 0) segments.push({ from, to, unsaved });
    }
    const { _id: id, kind, status } = operation;
    if (segments.length > 0) found.push({ id, kind, status, segments });
  }
  return found;
}

/** Yields the acknowledged batches of received orders of which some are neither saved nor dead letters. */
export async function* unsavedBatches(db: Db): AsyncGenerator<UnsavedBatch> {
  const acknowledged = intakeBatchesCollection(db).find({ state: 'acknowledged' }).sort({ _id: 1 });
  let group: IntakeBatch[] = [];
  for await (const batch of acknowledged) {
    group.push(batch);
    if (group.length < BATCHES_AT_ONCE) continue;
    yield* unsavedAmong(db, group);
    group = [];
  }
  yield* unsavedAmong(db, group);
}

async function* unsavedAmong(db: Db, batches: readonly IntakeBatch[]): AsyncGenerator<UnsavedBatch> {
  for (const batch of batches) {
    const saved = await countSaved(db, { firstNumber: batch._id }, { from: 0, to: batch.count });
    if (saved === batch.count) continue;
    const orders = await unsavedOf(db, batch);
    if (orders.length > 0) yield { batch, orders };
  }
}

async function unsavedOf(db: Db, batch: IntakeBatch): Promise<UnsavedOrder[]> {
  const { _id: first, operationId, from, count } = batch;
  const sent = unpackOrders(batch);
  const [numbers, ids, letters] = await Promise.all([
    ordersCollection(db).distinct('number', { number: numbersOf({ firstNumber: first }, { from: 0, to: count }) }),
    // A repeated order keeps the number that was saved first.
    ordersCollection(db).distinct('_id', { _id: { $in: sent.map(({ id }) => new UUID(id)) } }),
    deadLettersCollection(db).distinct('index', { operationId, index: { $gte: from, $lt: from + count } }),
  ]);
  const [savedNumbers, savedIds] = [new Set(numbers.map(Number)), new Set(ids.map((id) => id.toHexString()))];
  const dead = new Set(letters);
  return sent.flatMap(({ id }, position) => {
    const number = first + position;
    const isAccounted = savedNumbers.has(number) || savedIds.has(id) || dead.has(from + position);
    return isAccounted ? [] : [{ operationId, number, id }];
  });
}
