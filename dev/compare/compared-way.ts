import type { PlannedOrder } from './planned-orders.js';
import { measuredOrders, theorySeconds } from './theory.js';
import { ONE_AFTER_ANOTHER, type Way } from './ways.js';

/** A way and its results; `null` until it is measured. */
export interface ComparedWay extends Way {
  /** The theoretical minimum for all orders, in seconds. */
  readonly theorySeconds: number;
  /** True if only the first orders are measured and `seconds` is calculated from them. */
  readonly sampled: boolean;
  readonly measuredOrders: number;
  /** From sending the populate request until a majority of the MongoDB members has the orders. */
  readonly measuredSeconds: number | null;
  /** The duration of the round before, which warms up new processes; it runs only where all orders are in flight at once. Else `null`. */
  readonly warmUpSeconds: number | null;
  /** The part of `measuredSeconds` before the first save began: emitting and fetching. */
  readonly firstSaveSeconds: number | null;
  /**
   * The time for all orders: measured, or calculated from a sample. For a sample, the time before the first save stays as it is, and
   * the rest is multiplied by the theoretical minimum of all orders divided by that of the sample.
   */
  readonly seconds: number | null;
  readonly ordersPerSecond: number | null;
  /** The reached fraction of the theoretical speed: theory / measured, at most 1. */
  readonly ratio: number | null;
  /** The speed-up over one after another; also `null` if that wasn't measured. */
  readonly timesFaster: number | null;
  /** The upper limit in seconds; `null`: no limit. */
  readonly wantedSeconds: number | null;
}

/** A thousand saves of up to 1 s, all at once: the theoretical minimum is the longest of them. */
const WANTED = { orders: 1_000, longestMs: 1_000, seconds: 1.5 };

/** Returns a way before it is measured. @param longestMs the upper bound of the waits. @param full no samples */
export function planWay(
  way: Way,
  orders: readonly PlannedOrder[],
  { longestMs, full }: { longestMs: number; full: boolean },
): ComparedWay {
  const measured = measuredOrders(way, orders, full);
  const isWanted = way.ordering === 'unordered' && orders.length === WANTED.orders && longestMs === WANTED.longestMs;
  return {
    ...way,
    theorySeconds: theorySeconds(way, orders),
    sampled: measured < orders.length,
    measuredOrders: measured,
    measuredSeconds: null,
    warmUpSeconds: null,
    firstSaveSeconds: null,
    seconds: null,
    ordersPerSecond: null,
    ratio: null,
    timesFaster: null,
    wantedSeconds: isWanted ? WANTED.seconds : null,
  };
}

/** The durations of one measurement. */
export interface Measured {
  readonly seconds: number;
  readonly firstSaveSeconds: number;
  /** The duration of the round before; `null`: there was none. */
  readonly warmUpSeconds: number | null;
}

/** Returns the ways with the measurement of one of them added. */
export function withMeasured(
  ways: readonly ComparedWay[],
  name: string,
  measured: Measured,
  orders: readonly PlannedOrder[],
): ComparedWay[] {
  const known = ways.map((way) => (way.name === name ? measuredWay(way, measured, orders) : way));
  const slowest = known.find((way) => way.name === ONE_AFTER_ANOTHER)?.seconds ?? null;
  return known.map((way) => withSpeedUp(way, slowest));
}

function withSpeedUp(way: ComparedWay, slowest: number | null): ComparedWay {
  return { ...way, timesFaster: slowest === null || way.seconds === null ? null : slowest / way.seconds };
}

function measuredWay(
  way: ComparedWay,
  { seconds: measuredSeconds, firstSaveSeconds, warmUpSeconds }: Measured,
  orders: readonly PlannedOrder[],
): ComparedWay {
  const part = way.sampled ? theorySeconds(way, orders.slice(0, way.measuredOrders)) / way.theorySeconds : 1;
  const seconds = firstSaveSeconds + (measuredSeconds - firstSaveSeconds) / part;
  return {
    ...way,
    measuredSeconds,
    firstSaveSeconds,
    warmUpSeconds,
    seconds,
    ordersPerSecond: orders.length / seconds,
    ratio: way.theorySeconds / seconds,
  };
}
