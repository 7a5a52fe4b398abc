import type { Sample } from './measurement.js';
import { median } from './statistics.js';

/** How level memory stayed after a warm-up. */
export interface Flatness {
  /** Median of the first window after the warm-up, MiB: what the rest is held against. */
  readonly base: number;
  readonly highest: number;
  readonly lowest: number;
}

/** How many samples make the first window. */
const WINDOW = 5;

/** @param warmUp records, until which samples don't count. @throws RangeError when none is left */
export function flatnessOf(samples: readonly Sample[], warmUp: number): Flatness {
  const counted = samples.filter(({ finished }) => finished >= warmUp).map(({ rssMiB }) => rssMiB);
  if (counted.length === 0) throw new RangeError(`no sample after the warm-up of ${warmUp} records`);
  return { base: median(counted.slice(0, WINDOW)), highest: Math.max(...counted), lowest: Math.min(...counted) };
}
