import { describe, expect, it } from '@jest/globals';
import type { NumberStore } from '../intents/number-store.js';

/** What each store of numbers must do. @param create returns an empty one */
export function describeNumberStore(name: string, create: () => Promise<NumberStore>): void {
  describe(`${name} as a store of numbers`, () => {
    it('gives each number once, above the highest one', async () => {
      const store = await create();
      await store.raiseAbove(100);
      const firsts = await Promise.all(Array.from({ length: 5 }, async () => store.take(10)));
      expect(new Set(firsts)).toEqual(new Set([101, 111, 121, 131, 141]));
      await store.raiseAbove(50);
      expect(await store.take(10)).toBe(151);
    });

    it('reserves a chosen number for one order, unless an instance may assign it', async () => {
      const store = await create();
      await store.raiseAbove(100);
      await store.take(10);
      expect(await store.choose(105, 'x')).toBe(false);
      const both = await Promise.all([store.choose(500, 'x'), store.choose(500, 'y')]);
      expect(both.filter(Boolean)).toHaveLength(1);
      expect(await store.choose(500, both[0] ? 'x' : 'y')).toBe(true);
      expect(await store.choose(7, 'z')).toBe(true);
      const chosen = await store.chosen(1, 600);
      expect([chosen.has(7), chosen.has(500), chosen.has(8)]).toEqual([true, true, false]);
    });
  });
}
