import { orderGenerator, type PopulateInput } from '#orders/generator/generator.js';
import { fromDocument, isSameOrder, type OrderDocument } from '#orders/order/order-document.js';
import type { PlannedOrder } from './planned-orders.js';
import { getQueue } from './theory.js';
import type { Way } from './ways.js';

/** An order as found in MongoDB. */
export interface SavedOrder extends Omit<PlannedOrder, 'waitMs'> {
  readonly index: number;
  readonly offset: number;
  readonly savedAt: Date;
}

/** The tolerance between `savedAt`, which is wall-clock time, and a wait, which is measured by timers. */
const CLOCKS_DIFFER_MS = 20;

/**
 * Compares the saved orders with those that the operation generated.
 * @param documents sorted by number. @returns the orders, or a description of what is missing or altered
 */
export function readSaved(documents: readonly OrderDocument[], batch: PopulateInput): SavedOrder[] | string {
  const orderAt = orderGenerator(batch);
  if (documents.length !== batch.count) return `${documents.length} orders are saved instead of ${batch.count}`;
  const altered = documents.findIndex((document, index) => !isSameOrder(fromDocument(document), orderAt(index)));
  if (altered !== -1) return `the order with index ${altered} differs from the one sent`;
  return documents.map(({ accountId, ingest: { partition, offset, savedAt } }, index) => {
    return { index, accountId, partition, offset: Number(offset), savedAt };
  });
}

/** Returns when a save began: the time of the save minus its wait. In milliseconds since 1970. */
function begunAt({ index, savedAt }: SavedOrder, planned: readonly PlannedOrder[]): number {
  return savedAt.getTime() - (planned[index]?.waitMs ?? 0);
}

/** Returns when the first save began, in milliseconds since 1970. */
export function firstBegunAt(saved: readonly SavedOrder[], planned: readonly PlannedOrder[]): number {
  return saved.reduce((first, order) => Math.min(first, begunAt(order, planned)), Infinity);
}

/**
 * Checks the order that the way promises: among orders that must wait for each other, no save begins before the previous order
 * was saved.
 * @returns a description of two that overlapped; `undefined`: none
 */
export function findOverlap(
  way: Pick<Way, 'ordering' | 'inFlight'>,
  saved: readonly SavedOrder[],
  planned: readonly PlannedOrder[],
): string | undefined {
  for (const [queue, orders] of Map.groupBy(saved, (order) => getQueue(way, order, order.index))) {
    // One after another, the partitions take turns, and no order between them is promised.
    const inTurn = orders.toSorted(
      queue === 'all' ? (a, b) => a.savedAt.getTime() - b.savedAt.getTime() : (a, b) => a.offset - b.offset,
    );
    for (const [at, order] of inTurn.entries()) {
      const before = inTurn[at - 1];
      if (before !== undefined && begunAt(order, planned) < before.savedAt.getTime() - CLOCKS_DIFFER_MS)
        return `${queue}: the save of the order with index ${order.index} began before the order with index ${before.index} was saved`;
    }
  }
  return undefined;
}
