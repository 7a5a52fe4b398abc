import type { PlannedOrder } from './planned-orders.js';
import type { Way } from './ways.js';

/** Ways that take longer than this in theory are measured with a sample only, except with `full`. */
const SAMPLED_FROM_SECONDS = 6;

/**
 * Returns the theoretical minimum in seconds: the time of these orders' waits if nothing else took any time. It is a bound, not an
 * estimate. The waits of orders that must wait for each other are summed, and the longest sum counts:
 * - one after another: the sum of all waits;
 * - per partition or per account: the longest sum of a partition or an account;
 * - without order: the longest wait.
 *
 * The number of consumers has no influence.
 */
export function theorySeconds(way: Pick<Way, 'ordering' | 'inFlight'>, orders: readonly PlannedOrder[]): number {
  const sums = new Map<string, number>();
  let longest = 0;
  for (const [index, order] of orders.entries()) {
    const queue = getQueue(way, order, index);
    const sum = (sums.get(queue) ?? 0) + order.waitMs;
    sums.set(queue, sum);
    longest = Math.max(longest, sum);
  }
  return longest / 1_000;
}

/** Returns how many orders are measured, from the first one on: all of them, or as many as take 6 s in theory. */
export function measuredOrders(
  way: Pick<Way, 'ordering' | 'inFlight'>,
  orders: readonly PlannedOrder[],
  full: boolean,
): number {
  if (full || theorySeconds(way, orders) <= SAMPLED_FROM_SECONDS) return orders.length;
  let [few, many] = [1, orders.length];
  // Binary search: the theoretical minimum never decreases with more orders.
  while (many - few > 1) {
    const middle = Math.floor((few + many) / 2);
    if (theorySeconds(way, orders.slice(0, middle)) <= SAMPLED_FROM_SECONDS) few = middle;
    else many = middle;
  }
  return few;
}

/** Returns the queue of an order: orders of the same queue must wait for each other. */
export function getQueue(
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
