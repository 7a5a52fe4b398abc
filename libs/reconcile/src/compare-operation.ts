import type { Db } from 'mongodb';
import type { SegmentedDocument, IndexRange, IntakeDocument } from '#orders/operation/operation.js';
import { createFaultSelector, orderSource, type OrderSource } from '#orders/operation/order-source.js';
import { earlierPartitions } from '#orders/topics/topic-partitions.js';
import { type IntakeBatch, intakeBatchesCollection, unpackOrders } from '#orders/numbering/intake-batches.js';
import { mergedRuns, type NumberRun } from '#orders/numbering/number-runs.js';
import { outsideOf, type SettledTotals } from '#orders/settled/settled-blocks.js';
import { checkBlock, type Block, type CheckContext } from './check-block.js';
import { explainMissing } from './missing-records.js';
import { chunkPositions, recordPositions, type PositionOf } from './record-positions.js';
import { KnownOrder, type ExpectedOrder, ReceivedOrder } from './compare-block.js';
import { StoredOrders, documentsOfRuns } from './stored-orders.js';

/** Orders that are read and compared together. The next ones are read in the meantime. */
const PART_ORDERS = 2_000;

/** Compares acknowledged orders of an operation with segments with what is stored. */
export async function compareSegmented(
  operation: SegmentedDocument,
  ranges: readonly IndexRange[],
  context: CheckContext,
): Promise<void> {
  const { db, findings, positions, signal, onChecked, onCompared } = context;
  const source = orderSource(operation, db);
  const faultsAt = createFaultSelector(operation);
  const counts = { partitions: positions.ends.size, earlier: await earlierPartitions(db) };
  const stored = new StoredOrders(db, operation);
  const hasLetters = await stored.hasLetters();
  const load = async (range: IndexRange): Promise<Block> => {
    // Read dead letters before documents: a redriven dead letter gets the state `saved` only after its order is saved.
    const letters = hasLetters ? await stored.letters(range) : [];
    const [documents, orders] = await Promise.all([stored.documents(range), sentOrders(operation, source, range)]);
    return { range, orders, faultsAt, documents, letters };
  };
  for await (const block of prefetch(partsOf(ranges), load)) {
    signal?.throwIfAborted();
    const unaccounted = checkBlock(block, findings);
    const where = { db, operationId: operation._id, source, faultsAt, ...counts };
    if (unaccounted.length > 0) await explainMissing(unaccounted, await chunkPositions(where, block.range), context);
    onCompared?.(block);
    await onChecked?.(block.orders.length);
  }
}

/** Returns the orders that an operation has sent, or would have sent, with these indexes. */
export async function sentOrders(
  { kind }: SegmentedDocument,
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

const NO_FAULTS: ReturnType<Block['faultsAt']> = { instead: undefined, extras: [] };

type Loaded = Block & { readonly batches: readonly IntakeBatch[] };

/**
 * Compares acknowledged batches with what is stored, by the hashes that were stored before the orders were sent.
 * @param groups batches that are compared together
 * @returns the number of orders
 */
export async function compareReceived(
  operation: IntakeDocument,
  groups: AsyncIterable<readonly IntakeBatch[]>,
  context: CheckContext,
): Promise<number> {
  const { db, findings, signal, onChecked, onCompared } = context;
  const stored = new StoredOrders(db, operation);
  const hasLetters = await stored.hasLetters();
  const load = async (batches: readonly IntakeBatch[]): Promise<Loaded> => {
    const [from, to] = [batches[0]?.from ?? 0, endOf(batches.at(-1))];
    // Read dead letters before documents, as for other operations.
    const letters = hasLetters ? await stored.letters({ from, to }) : [];
    const documents = await documentsOfRuns(db, runsOf(batches));
    return { batches, range: { from, to }, orders: expectedOf(batches), faultsAt: () => NO_FAULTS, documents, letters };
  };
  let done = 0;
  for await (const block of prefetch(groups, load)) {
    signal?.throwIfAborted();
    const unaccounted = checkBlock(block, findings);
    if (unaccounted.length > 0) await explainMissing(unaccounted, batchPositions(block.batches), context);
    done += block.orders.length;
    onCompared?.(block);
    await onChecked?.(block.orders.length);
  }
  return done;
}

function endOf(batch: IntakeBatch | undefined): number {
  return batch === undefined ? 0 : batch.from + batch.count;
}

/** Orders that are read and compared together. */
const GROUP_ORDERS = 2_000;
const GROUP_BATCHES = 200;
const MAJORITY = { readConcern: { level: 'majority' } } as const;

/**
 * Yields groups of the batches of an intake that are in a state, in the order of their indexes and numbers.
 * @param settled its batches are left out: they may be removed already
 */
export async function* batchGroups(
  db: Db,
  operationId: string,
  state: IntakeBatch['state'],
  settled: Pick<SettledTotals, 'ranges'>,
): AsyncGenerator<readonly IntakeBatch[]> {
  const batches = intakeBatchesCollection(db)
    .find({ operationId, state, ...outsideOf(settled, 'from') }, MAJORITY)
    .sort({ from: 1 });
  yield* groupsOfBatches(batches);
}

/** Yields batches in groups that are read and compared together. */
export async function* groupsOfBatches(
  batches: AsyncIterable<IntakeBatch> | Iterable<IntakeBatch>,
): AsyncGenerator<readonly IntakeBatch[]> {
  let group: IntakeBatch[] = [];
  let orders = 0;
  for await (const batch of batches) {
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

/** Returns the indexes and numbers of batches. */
export function runsOf(batches: readonly IntakeBatch[]): NumberRun[] {
  return mergedRuns(batches.map(({ _id: first, from, count }) => ({ from, first, count })));
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
function batchPositions(batches: readonly IntakeBatch[]): PositionOf {
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

/** Loads the next item while the caller processes the current one. */
async function* prefetch<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  load: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  let loading: Promise<R> | undefined;
  for await (const item of items) {
    const next = load(item);
    // A failure is thrown when the item is awaited.
    next.catch(() => undefined);
    if (loading !== undefined) yield await loading;
    loading = next;
  }
  if (loading !== undefined) yield await loading;
}
