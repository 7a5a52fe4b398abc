/** An axis that begins at 0: round ticks, the last of which is at or above the highest value. */
export interface LinearScale {
  readonly ticks: readonly number[];
  /** The last tick: where the axis ends. */
  readonly end: number;
  /** Returns the position of a value: 0 at the beginning and 1 at the end of the axis. */
  readonly at: (value: number) => number;
}

const ROUND_STEPS = [1, 2, 5, 10];

/** @param highest the highest value; 0 or not finite: the axis ends at 1. @param wantedTicks the approximate number of ticks */
export function linearScale(highest: number, wantedTicks: number): LinearScale {
  const top = Number.isFinite(highest) && highest > 0 ? highest : 1;
  const step = roundStep(top / wantedTicks);
  const steps = Math.ceil(top / step - 1e-9);
  const ticks = Array.from({ length: steps + 1 }, (_, tick) => tick * step);
  const end = steps * step;
  return { ticks, end, at: (value) => value / end };
}

/** Returns the smallest of 1, 2, 5, 10, 20, 50 … that is at least `least`. */
function roundStep(least: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(least));
  return magnitude * (ROUND_STEPS.find((step) => step * magnitude >= least * (1 - 1e-9)) ?? 10);
}
