import type { Db } from 'mongodb';
import type { NumberRun } from '#orders/settled/number-runs.js';
import { numbersOf } from '#orders/operation/saved-count.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { numberOf, readStored } from './stored-content.js';

/** Orders and ranges that are read at once. */
const GROUP_ORDERS = 2_000;
const GROUP_RUNS = 200;

/** Splits runs into groups that are read at once, in order. */
export function* groupsOf(runs: readonly NumberRun[]): Generator<readonly NumberRun[]> {
  let group: NumberRun[] = [];
  let orders = 0;
  for (const { from, first, count } of runs)
    for (let done = 0; done < count;) {
      const size = Math.min(count - done, GROUP_ORDERS - orders);
      group.push({ from: from + done, first: first + done, count: size });
      done += size;
      orders += size;
      if (orders < GROUP_ORDERS && group.length < GROUP_RUNS) continue;
      yield group;
      group = [];
      orders = 0;
    }
  if (group.length > 0) yield group;
}

/** Returns the raw documents with the numbers of runs, by a majority read, sorted by number. */
export async function documentsOfRuns(db: Db, runs: readonly NumberRun[]): Promise<Buffer[]> {
  const ranges = runs.map(({ first, count }) => ({
    number: numbersOf({ firstNumber: first }, { from: 0, to: count }),
  }));
  const found = await ordersCollection(db)
    .find({ $or: ranges }, { readConcern: { level: 'majority' }, raw: true, batchSize: GROUP_ORDERS + 1 })
    .sort({ number: 1 })
    .hint('number')
    .toArray();
  // With `raw` the driver returns bytes, despite the collection's type.
  return found as unknown as Buffer[];
}

/** Returns the number of a raw document, whatever its layout is. */
export function numberIn(document: Buffer): number {
  return numberOf(document) ?? Number(readStored(document).number);
}
