import type { Db } from 'mongodb';
import { intakeBatchesCollection, unpackOrders, type IntakeBatch } from '#orders/operation/intake-batches.js';
import { mergedRuns, type NumberRun } from '#orders/settled/number-runs.js';
import { outsideOf, type SettledTotals } from '#orders/settled/settled-blocks.js';
import type { ExpectedOrder } from './compare-block.js';
import { recordPositions, type PositionOf } from './record-position.js';
import { ReceivedOrder } from './sent-order.js';

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
