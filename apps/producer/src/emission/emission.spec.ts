import { describe, expect, it } from '@jest/globals';
import { evenChunkSize } from './emission.js';

describe('the chunks of an emission', () => {
  it.each<[number | null, number]>([
    [null, 1_000],
    [100_000, 1_000],
    [5_000, 500],
    [10, 1],
    [0.1, 1],
  ])('at %s orders a second have %i orders', (ratePerSecond, size) => {
    expect(evenChunkSize({ chunkSize: 1_000, ratePerSecond })).toBe(size);
  });
});
