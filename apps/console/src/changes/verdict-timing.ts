/** Longest window of a verdict, before and after the change. */
export const MEASURED_SECONDS = 8;
/** Shortest window after a change: when the backlog ends earlier, there is no verdict. */
export const MIN_AFTER_SECONDS = 4;
/** Shortest usable window before a change. */
export const MIN_BEFORE_SECONDS = 2;
/** From the last change of a scaling until its effect shows: a rebalance, and the saves that began before it. */
export const SETTLE_SECONDS = 3;
/** From a request until the new consumers have started and own their partitions. */
const START_SECONDS = 8;
/** From a request until consumers have drained, and the others own their partitions. */
const DRAIN_SECONDS = 3;

export interface PlannedScaling {
  /** Saved per second now. */
  readonly savedPerSecond: number;
  readonly from: number;
  readonly to: number;
  /** Sum over all consumers now. */
  readonly inFlightLimit: number;
}

/**
 * Estimates how many orders must wait before a scaling, so that its effect can be measured: those that are saved until the shortest window
 * ends, if the rate follows the number of consumers, and twice the orders in flight, so that no consumer lacks work.
 */
export function backlogForVerdict({ savedPerSecond, from, to, inFlightLimit }: PlannedScaling): number {
  const share = to / from;
  const changeSeconds = share > 1 ? START_SECONDS : DRAIN_SECONDS;
  const saved = savedPerSecond * (changeSeconds + Math.max(1, share) * (SETTLE_SECONDS + MIN_AFTER_SECONDS));
  return roundUp(saved + 2 * inFlightLimit * share);
}

/** To two significant digits: an estimate. */
function roundUp(value: number): number {
  if (value <= 0) return 0;
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
  return Math.ceil(value / unit) * unit;
}
