import { describe, expect, it } from '@jest/globals';
import { median, pairedRatio, percentile, spread } from './statistics.js';

describe('the median', () => {
  it('is the middle value in any order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it('is the mean of the two middle values of an even count', () => {
    expect(median([4, 1, 2, 100])).toBe(3);
  });

  it('does not change the values', () => {
    const values = [3, 1, 2];
    expect({ median: median(values), values }).toEqual({ median: 2, values: [3, 1, 2] });
  });

  it('throws for no values', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('the spread', () => {
  it('is the range divided by the median', () => {
    expect(spread([90, 100, 110])).toBeCloseTo(0.2);
  });

  it('is 0 for a single run', () => {
    expect(spread([42])).toBe(0);
  });
});

describe('the paired ratio', () => {
  it('compares each run with its neighbour, so that a machine that becomes slower for both changes nothing', () => {
    expect(pairedRatio([80, 40, 8], [100, 50, 10])).toEqual({ median: 0.8, min: 0.8, max: 0.8 });
  });

  it('has the median and the range of the ratios', () => {
    expect(pairedRatio([50, 90, 70], [100, 100, 100])).toEqual({ median: 0.7, min: 0.5, max: 0.9 });
  });

  it('rejects runs without a neighbour', () => {
    expect(() => pairedRatio([1, 2], [1])).toThrow('2 values and 1 limits');
  });
});

describe('a percentile', () => {
  it('is the smallest value that this percentage of the values does not exceed', () => {
    const values = Array.from({ length: 200 }, (_, at) => 200 - at);
    expect([50, 99, 99.9, 100, 0].map((part) => percentile(values, part))).toEqual([100, 198, 200, 200, 1]);
  });

  it('throws for no values', () => {
    expect(() => percentile([], 99)).toThrow(RangeError);
  });
});
