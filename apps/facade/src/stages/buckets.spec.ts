import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { BUCKETS, bucketOf, isWithin } from './buckets.js';

describe('buckets', () => {
  it('are the same for ever: another hash would move accounts in the middle of a migration', () => {
    expect(['acc-0000001', 'acc-0000002', '', 'ключ'].map(bucketOf)).toEqual([392, 461, 66, 562]);
  });

  it('get about the same number of accounts each', () => {
    const counts = new Uint32Array(BUCKETS);
    for (let account = 0; account < 100 * BUCKETS; account += 1) {
      const bucket = bucketOf(`acc-${account}`);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(Math.max(...counts)).toBeLessThan(160);
  });

  it('are all within 100 %, and a higher percentage only adds', () => {
    fc.assert(
      fc.property(fc.nat(BUCKETS - 1), fc.integer({ min: 1, max: 99 }), (bucket, percent) => {
        expect(isWithin(bucket, 100)).toBe(true);
        expect(isWithin(bucket, percent) && !isWithin(bucket, percent + 1)).toBe(false);
      }),
    );
  });

  it.each([
    [1, 11],
    [50, 512],
    [99, 1_014],
  ])('at %d %%, %d of them move', (percent, count) => {
    const all = Array.from({ length: BUCKETS }, (_, bucket) => bucket);
    expect(all.filter((bucket) => isWithin(bucket, percent))).toHaveLength(count);
  });
});
