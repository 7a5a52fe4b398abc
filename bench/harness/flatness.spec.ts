import { describe, expect, it } from '@jest/globals';
import { flatnessOf, lastQuarterAgainstSecond } from './flatness.js';
import type { Sample } from './measurement.js';

/** One sample per second, each with 100 more records. */
function samples(...rssMiB: number[]): Sample[] {
  return rssMiB.map((each, at) => ({ atMs: 1_000 * at, rssMiB: each, finished: 100 * at }));
}

describe('the flatness of memory', () => {
  it('compares all samples after the warm-up with the median of the first ones', () => {
    const all = samples(50, 90, 100, 101, 99, 500, 100, 130, 80);
    expect(flatnessOf(all, 200)).toEqual({ base: 100, highest: 500, lowest: 80 });
  });

  it('needs a sample after the warm-up', () => {
    expect(() => flatnessOf(samples(50, 60), 1_000)).toThrow('no sample after the warm-up of 1000 records');
  });
});

/** Five samples in each of the quarters. */
function quarters(...rssMiB: number[]): number[] {
  return rssMiB.flatMap((each) => Array<number>(5).fill(each));
}

describe('the last quarter against the second', () => {
  it('ignores the first quarter, in which memory reaches its size', () => {
    expect(lastQuarterAgainstSecond(quarters(50, 200, 400, 220))).toBeCloseTo(1.1);
  });

  it('uses medians, so that one peak does not count as growth', () => {
    expect(lastQuarterAgainstSecond([...quarters(50, 200, 200), 200, 200, 900, 200, 200])).toBe(1);
  });

  it('is undefined for a run of a few seconds', () => {
    expect(lastQuarterAgainstSecond([100, 200, 300, 400])).toBeUndefined();
  });
});
