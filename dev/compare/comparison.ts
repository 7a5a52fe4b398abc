import type { SaveBounds } from '#orders/consumer/simulated-save.js';
import { currentCommit, describeMachine, isBusy, type Machine } from '../machine/machine-description.js';
import { isWanted, type CompareOptions } from './compare-options.js';
import { planWay, withMeasured, type ComparedWay } from './compared-way.js';
import { ComparisonStack } from './comparison-stack.js';
import { measureWay } from './measure-way.js';
import { planOrders } from './planned-orders.js';
import { waysFor } from './ways.js';

/** The JSON report. */
export interface ComparisonReport {
  readonly commit: string;
  readonly machine: Machine;
  /** True if other programs loaded the machine at the start. */
  readonly noisy: boolean;
  readonly orders: number;
  readonly seed: number;
  readonly saveMs: SaveBounds;
  readonly full: boolean;
  readonly results: readonly ComparedWay[];
}

export interface ComparisonListener {
  readonly print: (line: string) => void;
  /** Ends the comparison and its stack. */
  readonly signal: AbortSignal;
  /** Called with a function that kills all processes at once, for callers that can't wait. */
  readonly onStack: (kill: () => void) => void;
}

/**
 * Saves the same orders in each way, one way after the other, through a pipeline of its own that it removes at the end.
 * @throws StackError, or the abort reason of the signal
 */
export async function compare(options: CompareOptions, listener: ComparisonListener): Promise<ComparisonReport> {
  const { orders, seed, saveMs, full, only } = options;
  const { print, signal } = listener;
  const planned = planOrders(orders, seed, saveMs);
  const ways = waysFor(orders)
    .filter(({ name }) => isWanted(name, only))
    .map((way) => planWay(way, planned, { longestMs: saveMs.maximum, full }));
  // Measured before the servers start: their load must not count as the machine's.
  const machine = describeMachine();
  const setUp = { commit: currentCommit(), machine, noisy: isBusy(machine), orders, seed, saveMs, full };
  let results = ways;
  const stack = await ComparisonStack.start({ print, signal });
  listener.onStack(() => stack.kill());
  try {
    for (const way of ways) {
      signal.throwIfAborted();
      const measured = await measureWay(way, { stack, planned, seed, saveMs, signal });
      print(
        `${way.name}: ${way.measuredOrders} orders in ${measured.seconds.toFixed(2)} s, the first save after ${measured.firstSaveSeconds.toFixed(2)} s`,
      );
      results = withMeasured(results, way.name, measured, planned);
    }
    return { ...setUp, results };
  } finally {
    print('stopping the servers');
    await stack.stop();
  }
}
