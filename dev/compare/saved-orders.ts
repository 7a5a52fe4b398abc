import type { Document } from 'mongodb';
import { orderGenerator, type OrderBatch } from '#orders/generator.js';
import { fromDocument, sameOrder, type OrderDocument } from '#orders/order-document.js';
import type { PlannedOrder } from './planned-orders.js';
import { rowOf } from './theory.js';
import type { Way } from './ways.js';

/** An order as it was found in MongoDB. */
export interface SavedOrder extends Omit<PlannedOrder, 'waitMs'> {
  readonly index: number;
  readonly offset: number;
  readonly savedAt: Date;
}

/** `savedAt` is a time by the clock, and a wait one by timers. */
const CLOCKS_DIFFER_MS = 20;

/** Which documents are an operation's orders: those with its numbers, which an index has. */
export function ordersOf({ firstNumber, count }: OrderBatch): Document {
  return { number: { $gte: firstNumber, $lt: firstNumber + count } };
}

/**
 * Holds what was found against the orders that the operation made.
 * @param documents by their numbers. @returns the orders; or, in words, what is missing or altered
 */
export function readSaved(documents: readonly OrderDocument[], batch: OrderBatch): SavedOrder[] | string {
  const orderAt = orderGenerator(batch);
  if (documents.length !== batch.count) return `${documents.length} orders are saved instead of ${batch.count}`;
  const altered = documents.findIndex((document, index) => !sameOrder(fromDocument(document), orderAt(index)));
  if (altered !== -1) return `the order with index ${altered} is another one than was sent`;
  return documents.map(({ accountId, ingest: { partition, offset, savedAt } }, index) => {
    return { index, accountId, partition, offset: Number(offset), savedAt };
  });
}

/** When a save was begun: as long before the order was saved as its save waits. In milliseconds since 1970. */
function begunAt({ index, savedAt }: SavedOrder, planned: readonly PlannedOrder[]): number {
  return savedAt.getTime() - (planned[index]?.waitMs ?? 0);
}

/** When the first of the saves was begun, in milliseconds since 1970. */
export function firstBegunAt(saved: readonly SavedOrder[], planned: readonly PlannedOrder[]): number {
  return saved.reduce((first, order) => Math.min(first, begunAt(order, planned)), Infinity);
}

/**
 * Whether the way kept the order that it promises: of those that have to wait for each other, none was begun before the one ahead of it
 * was saved.
 * @returns in words which two overlapped; `undefined`: none
 */
export function findOverlap(
  way: Pick<Way, 'ordering' | 'inFlight'>,
  saved: readonly SavedOrder[],
  planned: readonly PlannedOrder[],
): string | undefined {
  for (const [row, orders] of Map.groupBy(saved, (order) => rowOf(way, order, order.index))) {
    // One after another the partitions take turns, and no order between them is promised.
    const inTurn = orders.toSorted(
      row === 'all' ? (a, b) => a.savedAt.getTime() - b.savedAt.getTime() : (a, b) => a.offset - b.offset,
    );
    for (const [at, order] of inTurn.entries()) {
      const before = inTurn[at - 1];
      if (before !== undefined && begunAt(order, planned) < before.savedAt.getTime() - CLOCKS_DIFFER_MS)
        return `of ${row} the order with index ${order.index} was begun before the one with index ${before.index} was saved`;
    }
  }
  return undefined;
}
