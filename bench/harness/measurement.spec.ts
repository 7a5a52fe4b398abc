import { describe, expect, it } from '@jest/globals';
import { ratePerSecond, type Measurement } from './measurement.js';

/** A run whose hundredths were completed at these milliseconds. */
function run(records: number, marks: readonly number[]): Measurement {
  return { records, marks, cpuSeconds: 1, peakRssMiB: 100, samples: [] };
}

/** A slow start of one second, then one hundredth every 10 ms. */
const SLOW_START = Array.from({ length: 101 }, (_, at) => (at === 0 ? 0 : 1_000 + 10 * at));

describe('the rate of a run', () => {
  it('includes the start for the whole run', () => {
    expect(ratePerSecond(run(1_000, SLOW_START), 0, 100)).toBe(500);
  });

  it('excludes the start for the middle of the run', () => {
    expect(ratePerSecond(run(1_000, SLOW_START), 10, 70)).toBeCloseTo(1_000);
  });

  it('throws when the run ended earlier', () => {
    expect(() => ratePerSecond(run(500, SLOW_START.slice(0, 51)), 10, 70)).toThrow('the run ended at 50 %');
  });
});
