import { describe, expect, it } from '@jest/globals';
import { logarithmicScale } from './logarithmic-scale.js';

describe('a logarithmic axis', () => {
  it('goes from a round number to a round number, and contains both values', () => {
    expect(logarithmicScale(0.7, 577)).toMatchObject({ start: 0.5, end: 1_000 });
    expect(logarithmicScale(0.5, 1_000)).toMatchObject({ start: 0.5, end: 1_000 });
    expect(logarithmicScale(0.03, 0.04)).toMatchObject({ start: 0.02, end: 0.05 });
  });

  it('gives each factor the same length', () => {
    const { at } = logarithmicScale(1, 1_000);
    expect([1, 10, 100, 1_000].map(at)).toEqual([0, 1 / 3, 2 / 3, 1].map((place) => expect.closeTo(place)));
  });

  it('places values outside of it at the nearer end', () => {
    const { at } = logarithmicScale(1, 1_000);
    expect([0, 0.1, 5_000].map(at)).toEqual([0, 0, 1]);
  });

  it('has ticks at 1, 2, 5, or at the powers of ten if it spans many decades', () => {
    expect(logarithmicScale(0.5, 20).ticks).toEqual([0.5, 1, 2, 5, 10, 20]);
    expect(logarithmicScale(0.02, 5_000).ticks).toEqual([0.1, 1, 10, 100, 1_000]);
  });

  it('has a length even for a single value', () => {
    expect(logarithmicScale(1, 1)).toMatchObject({ start: 1, end: 2 });
  });

  it.each([
    [0, 1],
    [-1, 1],
    [2, 1],
    [Number.NaN, 1],
  ])('rejects a range from %d to %d', (lowest, highest) => {
    expect(() => logarithmicScale(lowest, highest)).toThrow(RangeError);
  });
});
