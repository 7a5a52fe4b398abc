import { describe, expect, it } from '@jest/globals';
import { bucketOf, percentileMs } from './observations.js';

function countsOf(times: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const ms of times) counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + 1;
  return counts;
}

describe('percentiles of counted latencies', () => {
  it('are at most 9 % too high, and never too low', () => {
    const times = Array.from({ length: 1_000 }, (_, at) => (at + 1) / 10);
    for (const [part, exact] of [
      [0.5, 50],
      [0.99, 99],
      [1, 100],
    ] as const) {
      const found = percentileMs(countsOf(times), part) ?? 0;
      expect(found).toBeGreaterThanOrEqual(exact);
      expect(found).toBeLessThanOrEqual(exact * 1.1);
    }
  });

  it('have a bounded number of buckets, whatever the time', () => {
    const buckets = [0, 0.001, 0.1, 1e9, Number.POSITIVE_INFINITY, Number.NaN, -1].map(bucketOf);
    expect(buckets).toEqual([0, 0, 0, 144, 144, 0, 0]);
    expect(percentileMs(countsOf([1e9]), 0.99)).toBeGreaterThan(25_000);
  });

  it('are null without any time', () => {
    expect(percentileMs({}, 0.99)).toBeNull();
  });
});
