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

/** Quarters of fewer samples say nothing. */
const LEAST_SAMPLES = 16;

/**
 * How the last quarter of a run compares with its second one, by their medians: 1.1 is a tenth more, and what grows steadily is
 * above 1 however short the run was. The first quarter isn't asked: in it V8 compiles and its heap takes its size.
 * @param rssMiB one sample for each second. @returns undefined for a run that is too short
 */
export function lastQuarterAgainstSecond(rssMiB: readonly number[]): number | undefined {
  if (rssMiB.length < LEAST_SAMPLES) return undefined;
  const quarter = Math.floor(rssMiB.length / 4);
  return median(rssMiB.slice(-quarter)) / median(rssMiB.slice(quarter, 2 * quarter));
}
