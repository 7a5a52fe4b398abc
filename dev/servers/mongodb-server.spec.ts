import { describe, expect, it } from '@jest/globals';
import { cacheGib } from './mongodb-server.js';

describe('the cache of the embedded MongoDB', () => {
  it.each([
    [0.5, 0.25],
    [7.7, 1.75],
    [8, 2],
    [16, 4],
    [64, 4],
  ])('for %d GiB of memory is %d GiB', (memory, cache) => {
    expect(cacheGib(memory * 2 ** 30)).toBe(cache);
  });
});
