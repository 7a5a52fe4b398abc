import type { EmittedDocument } from '#orders/operation/operation.js';
import { createFaultSelector, orderSource, type OrderSource } from '#orders/operation/order-source.js';
import type { IndexRange } from '#orders/operation/segments.js';
import { earlierPartitions } from '#orders/topics/topic-partitions.js';
import { ahead } from './ahead.js';
import { checkBlock, type Block } from './check-block.js';
import type { CheckContext } from './check-context.js';
import { chunkPositions } from './chunk-positions.js';
import { KnownOrder } from './sent-order.js';
import { StoredOrders } from './stored-orders.js';

/** Orders that are read and compared together. The next ones are read in the meantime. */
const PART_ORDERS = 2_000;

/** Compares acknowledged orders of an operation that emits a known sequence of orders with what is stored. */
export async function compareEmitted(
  operation: EmittedDocument,
  ranges: readonly IndexRange[],
  context: CheckContext,
): Promise<void> {
  const { db, missing, findings, positions, signal, onChecked, onCompared } = context;
  const source = orderSource(operation, db);
  const faultsAt = createFaultSelector(operation);
  const counts = { partitions: positions.ends.size, earlier: await earlierPartitions(db) };
  const stored = new StoredOrders(db, operation);
  const hasLetters = await stored.hasLetters();
  const load = async (range: IndexRange): Promise<Block> => {
    // Read letters before documents: a redriven letter gets the state `saved` only after its order is saved.
    const letters = hasLetters ? await stored.letters(range) : [];
    const [documents, orders] = await Promise.all([stored.documents(range), sentOrders(operation, source, range)]);
    return { range, orders, faultsAt, documents, letters };
  };
  for await (const block of ahead(partsOf(ranges), load)) {
    signal?.throwIfAborted();
    const unaccounted = checkBlock(block, findings);
    const where = { db, operationId: operation._id, source, faultsAt, ...counts };
    if (unaccounted.length > 0) await missing.explain(unaccounted, await chunkPositions(where, block.range));
    onCompared?.(block);
    await onChecked?.(block.orders.length);
  }
}

/** Returns the orders that an operation has sent, or would have sent, with these indexes. */
export async function sentOrders(
  { kind }: EmittedDocument,
  source: OrderSource,
  range: IndexRange,
): Promise<{ readonly index: number; readonly order: KnownOrder }[]> {
  const orders = await source(range);
  return orders.map((order, at) => ({ index: range.from + at, order: new KnownOrder(order, kind === 'import') }));
}

/** Splits ranges into those that are read and compared together. */
export function* partsOf(ranges: readonly IndexRange[]): Generator<IndexRange> {
  for (const { from, to } of ranges)
    for (let start = from; start < to; start += PART_ORDERS)
      yield { from: start, to: Math.min(start + PART_ORDERS, to) };
}
