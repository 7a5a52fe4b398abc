import { describe, expect, it } from '@jest/globals';
import { flatnessOf } from './flatness.js';
import type { Sample } from './measurement.js';

/** A sample each second, each with a hundred records more. */
function samples(...rssMiB: number[]): Sample[] {
  return rssMiB.map((each, at) => ({ atMs: 1_000 * at, rssMiB: each, finished: 100 * at }));
}

describe('the flatness of memory', () => {
  it('holds all samples after the warm-up against the median of the first of them', () => {
    const all = samples(50, 90, 100, 101, 99, 500, 100, 130, 80);
    expect(flatnessOf(all, 200)).toEqual({ base: 100, highest: 500, lowest: 80 });
  });

  it('needs a sample after the warm-up', () => {
    expect(() => flatnessOf(samples(50, 60), 1_000)).toThrow('no sample after the warm-up of 1000 records');
  });
});
