import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { FrequentKeys } from './frequent-keys.js';

const CAPACITY = 5;

describe('the most frequent keys', () => {
  it('have each key above its share, and counts within the error, whatever the stream', () => {
    const stream = fc.array(fc.integer({ min: 0, max: 30 }).map((n) => `key-${Math.floor(n ** 1.3) % 20}`));
    const property = fc.property(stream, (keys) => {
      const frequent = new FrequentKeys(CAPACITY);
      for (const key of keys) frequent.add(key);
      const truth = new Map([...Map.groupBy(keys, (key) => key)].map(([key, all]) => [key, all.length]));
      const found = frequent.top(CAPACITY);
      const often = [...truth].filter(([, count]) => count > keys.length / CAPACITY).map(([key]) => key);
      expect(found.map(({ key }) => key)).toEqual(expect.arrayContaining(often));
      for (const { key, count, error } of found) {
        expect(count).toBeGreaterThanOrEqual(truth.get(key) ?? 0);
        expect(count - error).toBeLessThanOrEqual(truth.get(key) ?? 0);
        expect(error).toBeLessThanOrEqual(keys.length / CAPACITY);
      }
      expect(found.map(({ count }) => count)).toEqual(found.map(({ count }) => count).toSorted((a, b) => b - a));
    });
    fc.assert(property, { numRuns: 500 });
  });
});
