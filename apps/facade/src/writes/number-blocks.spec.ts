import { describe, expect, it } from '@jest/globals';
import { MemoryNumberStore } from '../testing/memory-stores.js';
import { NumberBlocks } from './number-blocks.js';

async function take(blocks: NumberBlocks, count: number, period = 1): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, async () => blocks.take(period)));
}

describe('NumberBlocks', () => {
  it('assigns each number once, above the highest one, by several instances at once', async () => {
    const store = new MemoryNumberStore();
    await store.raiseAbove(100);
    const [one, two] = [new NumberBlocks(store, 3), new NumberBlocks(store, 3)];
    const numbers = [...(await take(one, 4)), ...(await take(two, 4)), ...(await take(one, 3))];
    expect(new Set(numbers).size).toBe(11);
    expect(Math.min(...numbers)).toBe(101);
  });

  it('leaves out numbers that clients have chosen', async () => {
    const store = new MemoryNumberStore();
    expect(await store.choose(2, 'x')).toBe(true);
    expect(await take(new NumberBlocks(store, 4), 3)).toEqual([1, 3, 4]);
    expect(await store.choose(3, 'y')).toBe(false);
  });

  it('begins a new block after off: the legacy system has assigned numbers meanwhile', async () => {
    const store = new MemoryNumberStore();
    const blocks = new NumberBlocks(store, 10);
    expect(await take(blocks, 2)).toEqual([1, 2]);
    await store.raiseAbove(50);
    expect(await take(blocks, 2, 7)).toEqual([51, 52]);
  });
});
