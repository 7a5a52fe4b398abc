import type { EmittedDocument } from '#orders/operation/operation.js';
import { createFaultSelector, orderSource, type OrderSource } from '#orders/operation/order-source.js';
import { earlierPartitions } from '#orders/topics/topic-partitions.js';
import { ackedOrders, ackedRanges, type IndexRange } from '#orders/operation/segments.js';
import { ahead } from './ahead.js';
import { checkBlock, type Block } from './check-block.js';
import { chunkPositions } from './chunk-positions.js';
import { compareBlock } from './compare-block.js';
import type { CheckContext } from './check-context.js';
import type { Findings } from './findings.js';
import { KnownOrder } from './sent-order.js';
import { readStored } from './stored-content.js';
import { StoredOrders } from './stored-orders.js';

/** Orders that are read and compared together. The next block is read in the meantime. */
const BLOCK_ORDERS = 2_000;

/** Checks the orders of an operation that emits a known sequence of orders. @returns the number of acknowledged ones */
export async function checkEmitted(operation: EmittedDocument, context: CheckContext): Promise<number> {
  await checkAcknowledged(operation, context);
  await checkUnacknowledged(operation, context);
  return ackedOrders(operation.segments);
}

async function checkAcknowledged(operation: EmittedDocument, context: CheckContext): Promise<void> {
  const { db, missing, findings, positions, signal, onProgress } = context;
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
  let done = 0;
  for await (const block of ahead(blocksOf(ackedRanges(operation.segments)), load)) {
    signal?.throwIfAborted();
    const unaccounted = checkBlock(block, findings);
    const where = { db, operationId: operation._id, source, faultsAt, ...counts };
    if (unaccounted.length > 0) await missing.explain(unaccounted, await chunkPositions(where, block.range));
    done += block.orders.length;
    onProgress?.(done, ackedOrders(operation.segments));
  }
}

/** Checks the unacknowledged range: orders that were sent without an acknowledgement may be saved; others are phantoms. */
async function checkUnacknowledged(operation: EmittedDocument, { db, findings, signal }: CheckContext): Promise<void> {
  const stored = new StoredOrders(db, operation);
  const source = orderSource(operation, db);
  const rest = operation.segments.map(({ ackedTo, to }) => ({ from: ackedTo, to })).filter(({ from, to }) => from < to);
  for (const open of rest) {
    if ((await stored.count(open)) === 0) continue;
    for (const range of blocksOf([open])) {
      signal?.throwIfAborted();
      const documents = await stored.documents(range);
      if (operation.kind === 'import') checkOrigins(documents, operation, findings);
      else checkUnsent(await sentOrders(operation, source, range), documents, findings);
    }
  }
}

async function sentOrders(
  { kind }: EmittedDocument,
  source: OrderSource,
  range: IndexRange,
): Promise<{ readonly index: number; readonly order: KnownOrder }[]> {
  const orders = await source(range);
  return orders.map((order, at) => ({ index: range.from + at, order: new KnownOrder(order, kind === 'import') }));
}

/** Checks documents of orders that were not acknowledged: they may be on the topic. */
export function checkUnsent(orders: Block['orders'], documents: readonly Buffer[], findings: Findings): void {
  const expected = orders.map((each) => ({ ...each, isFaulty: false }));
  const { saved, altered, phantoms, doubled } = compareBlock(expected, documents);
  findings.counts.savedUnacknowledged += saved.length;
  for (const each of altered) findings.addAltered(each, false);
  for (const each of [...phantoms, ...doubled]) findings.addPhantom(each);
}

/** Checks documents by `ingest` alone: a later import may have taken over the rows of a cancelled one. */
function checkOrigins(documents: readonly Buffer[], { _id }: EmittedDocument, findings: Findings): void {
  for (const document of documents) {
    const { _id: id, number, ingest } = readStored(document);
    if (String(ingest?.operationId) === _id) findings.counts.savedUnacknowledged += 1;
    else findings.addPhantom({ id: String(id), number: Number(number), reason: 'it belongs to no import' });
  }
}

function* blocksOf(ranges: readonly IndexRange[]): Generator<IndexRange> {
  for (const { from, to } of ranges)
    for (let start = from; start < to; start += BLOCK_ORDERS)
      yield { from: start, to: Math.min(start + BLOCK_ORDERS, to) };
}
