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

type LimitContradiction = 'min-above-max' | 'max-above-partitions';

/** Returns what is contradictory in the limits; `null`: nothing. @param partitions of the orders topic: each has one consumer */
export function contradictionIn(limits: AutoscaleLimits, partitions: number): LimitContradiction | null {
  const { minConsumers, maxConsumers } = limits;
  if (minConsumers > maxConsumers) return 'min-above-max';
  return maxConsumers > partitions ? 'max-above-partitions' : null;
}

/**
 * Returns how many consumers' worth of work some consumers carry. A partition has one consumer, and the one with most partitions is the first
 * whose lag grows: of 12 partitions, seven consumers have two or one, and carry no more than six that have two each.
 */
export function carriedBy(consumers: number, partitions: number): number {
  if (consumers <= 0 || partitions <= 0) return 0;
  return consumers >= partitions ? partitions : partitions / Math.ceil(partitions / consumers);
}

/** Returns the numbers of consumers from `min` to `max` that carry more than any smaller one, ascending; `min` is always one. */
export function usefulCounts(min: number, max: number, partitions: number): number[] {
  const counts = [min];
  for (let count = min + 1; count <= max; count += 1)
    if (carriedBy(count, partitions) > carriedBy(counts.at(-1) ?? min, partitions)) counts.push(count);
  return counts;
}
