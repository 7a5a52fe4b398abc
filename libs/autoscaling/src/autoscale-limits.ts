/** The limits within which the policy works. */
export interface AutoscaleLimits {
  readonly minConsumers: number;
  readonly maxConsumers: number;
  /** The goal, in seconds: an order that arrives is saved within this time. */
  readonly drainSeconds: number;
}

/** The load has to be low for so many times the goal before consumers are taken away, */
const PATIENCE_GOALS = 2;
/** and for at least and at most so many milliseconds. */
const PATIENCE_MS = { least: 60_000, most: 300_000 };

/** Returns for how long the load has to be low before consumers are taken away, in milliseconds: four minutes with the default goal. */
export function patienceMs({ drainSeconds }: AutoscaleLimits): number {
  return Math.min(PATIENCE_MS.most, Math.max(PATIENCE_MS.least, PATIENCE_GOALS * 1_000 * drainSeconds));
}

export type LimitContradiction = 'min-above-max' | 'max-above-partitions';

/** Returns what is contradictory in the limits; `null`: nothing. @param partitions of the orders topic: each has one consumer */
export function contradictionIn(limits: AutoscaleLimits, partitions: number): LimitContradiction | null {
  const { minConsumers, maxConsumers } = limits;
  if (minConsumers > maxConsumers) return 'min-above-max';
  return maxConsumers > partitions ? 'max-above-partitions' : null;
}
