import { describe, expect, it } from '@jest/globals';
import { logarithmicShare } from './logarithmic-share.js';

describe('a position on a logarithmic axis', () => {
  it('moves by the same distance for each factor of ten', () => {
    for (const [power, value] of [1, 10, 100, 1_000].entries())
      expect(logarithmicShare(value, 1, 1_000)).toBeCloseTo(power / 3);
  });

  it('stays between 0 and 1', () => {
    expect([logarithmicShare(0.1, 1, 10), logarithmicShare(99, 1, 10), logarithmicShare(5, 5, 5)]).toEqual([0, 1, 0]);
  });
});
