import type { ChunkPart } from '#orders/operation/acknowledged-chunks.js';
import { packOrders, type IntakeBatch } from '#orders/numbering/intake-batches.js';
import type { LoggedOrder } from './logged-order.js';

/** An order in the log with its place in its operation and on the topic. */
export interface PlacedOrder extends LoggedOrder {
  readonly operationId: string;
  readonly index: number;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
}

/** As many as the intake stores in one batch. */
const MOST_ORDERS = 1_000;

/**
 * Makes the batches of orders whose own bookkeeping is lost, as the intake would have stored them after Kafka's acknowledgement: with them,
 * the orders count as those of an operation, and reconciliation finds and compares them.
 * @param orders no two with the same number
 */
export function toBatches(orders: readonly PlacedOrder[]): IntakeBatch[] {
  const batches: IntakeBatch[] = [];
  let run: PlacedOrder[] = [];
  for (const order of orders.toSorted((a, b) => a.number - b.number)) {
    if (!continues(run, order)) {
      if (run.length > 0) batches.push(toBatch(run));
      run = [];
    }
    run.push(order);
  }
  if (run.length > 0) batches.push(toBatch(run));
  return batches;
}

function continues(run: readonly PlacedOrder[], order: PlacedOrder): boolean {
  const last = run.at(-1);
  if (last === undefined || run.length === MOST_ORDERS) return false;
  if (last.operationId !== order.operationId) return false;
  if (order.number !== last.number + 1 || order.index !== last.index + 1) return false;
  // A batch has one time, which is the `createdAt` of those orders to which the intake has assigned it.
  const assigned = run.find(({ createdAtAssigned }) => createdAtAssigned);
  return (
    !order.createdAtAssigned || assigned === undefined || assigned.createdAt.getTime() === order.createdAt.getTime()
  );
}

function toBatch(run: readonly PlacedOrder[]): IntakeBatch {
  const [first] = run as [PlacedOrder];
  const assigned = run.find(({ createdAtAssigned }) => createdAtAssigned);
  return {
    _id: first.number,
    operationId: first.operationId,
    from: first.index,
    count: run.length,
    state: 'acknowledged',
    at: assigned?.createdAt ?? new Date(first.timestamp),
    orders: packOrders(run),
    parts: toParts(run),
  };
}

/** Returns the places of the records: on each partition, in the order of the numbers. */
function toParts(run: readonly PlacedOrder[]): ChunkPart[] {
  const parts: { partition: number; records: number; baseOffset: number }[] = [];
  const current = new Map<number, { partition: number; records: number; baseOffset: number }>();
  for (const { partition, offset } of run) {
    const part = current.get(partition);
    if (part !== undefined && part.baseOffset + part.records === offset) {
      part.records += 1;
      continue;
    }
    const next = { partition, records: 1, baseOffset: offset };
    current.set(partition, next);
    parts.push(next);
  }
  return parts;
}
