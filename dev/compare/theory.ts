import type { PlannedOrder } from './planned-orders.js';
import type { Way } from './ways.js';

/** Longer than this in theory, and only a sample is measured, unless all is asked for. */
const SAMPLED_FROM_SECONDS = 6;

/**
 * The theoretical line: how long the waits of these very orders take in that way if nothing else took any time. It is a bound, not an estimate: what
 * must wait for each other is added up, and the longest of such sums counts. One after another that is all of them, per partition the partition with
 * the longest sum, per account likewise, and without order the longest wait alone. The number of consumers does not come into it.
 */
export function theorySeconds(way: Pick<Way, 'ordering' | 'inFlight'>, orders: readonly PlannedOrder[]): number {
  const sums = new Map<string, number>();
  let longest = 0;
  for (const [index, order] of orders.entries()) {
    const row = rowOf(way, order, index);
    const sum = (sums.get(row) ?? 0) + order.waitMs;
    sums.set(row, sum);
    longest = Math.max(longest, sum);
  }
  return longest / 1_000;
}

/** How many of the orders are measured, from the first one on: all of them, or as many as take six seconds in theory. */
export function measuredOrders(
  way: Pick<Way, 'ordering' | 'inFlight'>,
  orders: readonly PlannedOrder[],
  full: boolean,
): number {
  if (full || theorySeconds(way, orders) <= SAMPLED_FROM_SECONDS) return orders.length;
  let [few, many] = [1, orders.length];
  // More orders never take less.
  while (many - few > 1) {
    const middle = Math.floor((few + many) / 2);
    if (theorySeconds(way, orders.slice(0, middle)) <= SAMPLED_FROM_SECONDS) few = middle;
    else many = middle;
  }
  return few;
}

/** Which orders it has to wait for: those of the same row. */
export function rowOf(
  { ordering, inFlight }: Pick<Way, 'ordering' | 'inFlight'>,
  order: Omit<PlannedOrder, 'waitMs'>,
  index: number,
): string {
  if (inFlight === 1) return 'all';
  switch (ordering) {
    case 'partition':
      return `partition ${order.partition}`;
    case 'key':
      return order.accountId;
    case 'unordered':
      return `order ${index}`;
  }
}
