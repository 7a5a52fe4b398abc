import type { Sample } from './measurement.js';
import { median } from './statistics.js';

/** How constant memory stayed after the warm-up. */
export interface Flatness {
  /** Median of the first window after the warm-up, in MiB: the baseline. */
  readonly base: number;
  readonly highest: number;
  readonly lowest: number;
}

/** Samples in the first window. */
const WINDOW = 5;

/** Computes the flatness. @param warmUp number of records before which samples are ignored. @throws RangeError when no sample is left */
export function flatnessOf(samples: readonly Sample[], warmUp: number): Flatness {
  const counted = samples.filter(({ finished }) => finished >= warmUp).map(({ rssMiB }) => rssMiB);
  if (counted.length === 0) throw new RangeError(`no sample after the warm-up of ${warmUp} records`);
  return { base: median(counted.slice(0, WINDOW)), highest: Math.max(...counted), lowest: Math.min(...counted) };
}

/** With fewer samples the quarters are too short. */
const MIN_SAMPLES = 16;

/**
 * Divides the median of the last quarter of a run by that of the second: 1.1 means 10 % more. Steady growth gives more than 1 even in a
 * short run. The first quarter is ignored: in it V8 compiles and the heap reaches its size.
 * @param rssMiB one sample per second
 * @returns undefined for a run that is too short
 */
export function lastQuarterAgainstSecond(rssMiB: readonly number[]): number | undefined {
  if (rssMiB.length < MIN_SAMPLES) return undefined;
  const quarter = Math.floor(rssMiB.length / 4);
  return median(rssMiB.slice(-quarter)) / median(rssMiB.slice(quarter, 2 * quarter));
}
