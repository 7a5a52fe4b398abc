import { describe, expect, it } from '@jest/globals';
import { carriedBy, usefulCounts } from './capacity.js';

describe('the work that some consumers carry', () => {
  it('is that of the consumer with most partitions', () => {
    expect([1, 2, 5, 6, 7, 11, 12, 13].map((count) => carriedBy(count, 12))).toEqual([1, 2, 4, 6, 6, 6, 12, 12]);
    expect(carriedBy(0, 12)).toBe(0);
  });

  it('grows only with some numbers of consumers', () => {
    expect(usefulCounts(1, 12, 12)).toEqual([1, 2, 3, 4, 6, 12]);
    expect(usefulCounts(5, 12, 12)).toEqual([5, 6, 12]);
    expect(usefulCounts(1, 12, 60)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]);
    expect(usefulCounts(3, 2, 12)).toEqual([3]);
  });
});
