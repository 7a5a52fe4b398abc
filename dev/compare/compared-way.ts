import type { PlannedOrder } from './planned-orders.js';
import { measuredOrders, theorySeconds } from './theory.js';
import { ONE_AFTER_ANOTHER, type Way } from './ways.js';

/** A way and what is known of it; what isn't measured yet is `null`. */
export interface ComparedWay extends Way {
  /** The theoretical line for all orders. */
  readonly theorySeconds: number;
  /** Only the first orders are measured, and `seconds` is calculated from them. */
  readonly sampled: boolean;
  readonly measuredOrders: number;
  /** From the sending of the populate until a majority of MongoDB has them. */
  readonly measuredSeconds: number | null;
  /** Of a round before, made where all orders are in flight at once: that of processes that are new. `null` too where there was none. */
  readonly warmUpSeconds: number | null;
  /** What of `measuredSeconds` had passed when the first save began: emitting and fetching. */
  readonly firstSaveSeconds: number | null;
  /**
   * For all orders: as measured; or of a sample what passed before the first save, and the saving as much longer as the theoretical line of
   * all is longer than that of the sample.
   */
  readonly seconds: number | null;
  readonly ordersPerSecond: number | null;
  /** How much of what is possible is reached: theory / measured, 1 at the most. */
  readonly ratio: number | null;
  /** Than one after another; `null` too where that wasn't measured. */
  readonly timesFaster: number | null;
  /** What it must not pass; `null`: nothing is asked of it. */
  readonly wantedSeconds: number | null;
}

/** A thousand saves of up to a second, all at once: the limit is the longest of them. */
const WANTED = { orders: 1_000, longestMs: 1_000, seconds: 1.5 };

/** A way before it is measured. @param longestMs the upper bound of the waits. @param full no samples */
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

/** How long the measured orders took. */
export interface Measured {
  readonly seconds: number;
  readonly firstSaveSeconds: number;
  /** Of a round before; `null`: there was none. */
  readonly warmUpSeconds: number | null;
}

/** The ways with what was measured of one of them. */
export function withMeasured(
  ways: readonly ComparedWay[],
  name: string,
  measured: Measured,
  orders: readonly PlannedOrder[],
): ComparedWay[] {
  const known = ways.map((way) => (way.name === name ? measuredWay(way, measured, orders) : way));
  const slowest = known.find((way) => way.name === ONE_AFTER_ANOTHER)?.seconds ?? null;
  return known.map((way) => heldAgainst(way, slowest));
}

function heldAgainst(way: ComparedWay, slowest: number | null): ComparedWay {
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
