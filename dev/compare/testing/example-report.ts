import { planWay, withMeasured, type ComparedWay, type Measured } from '../compared-way.js';
import type { ComparisonReport } from '../comparison.js';
import { planOrders } from '../planned-orders.js';
import { waysFor } from '../ways.js';

export const SAVE_MS = { minimum: 0, maximum: 1_000 };
export const ORDERS = planOrders(1_000, 1_000, SAVE_MS);

/** Returns the ways before any of them is measured. */
export function plannedWays(full = false): ComparedWay[] {
  return waysFor(ORDERS.length).map((way) => planWay(way, ORDERS, { longestMs: SAVE_MS.maximum, full }));
}

/** Returns the ways with the measurements of some of them. */
export function measuredWays(measured: Readonly<Record<string, Measured>>, ways = plannedWays()): ComparedWay[] {
  return Object.entries(measured).reduce((known, [name, each]) => withMeasured(known, name, each, ORDERS), ways);
}

/** Returns a comparison in which one way of each kind was measured. */
export function exampleReport(): ComparisonReport {
  const results = measuredWays({
    'one-after-another': { seconds: 6.5, firstSaveSeconds: 0.2, warmUpSeconds: null },
    'per-partition-1': { seconds: 6.4, firstSaveSeconds: 0.2, warmUpSeconds: null },
    'by-key-2': { seconds: 1.7, firstSaveSeconds: 0.1, warmUpSeconds: null },
    'unordered-4': { seconds: 1.2, firstSaveSeconds: 0.1, warmUpSeconds: null },
  });
  const machine = { cpu: 'a processor', cores: 2, memoryGiB: 24, system: 'linux', node: 'v24', loadAverage: 0.1 };
  return { commit: 'abc', machine, noisy: false, orders: 1_000, seed: 1_000, saveMs: SAVE_MS, full: false, results };
}
