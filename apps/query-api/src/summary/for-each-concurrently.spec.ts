import { describe, expect, it } from '@jest/globals';
import { settle } from '#parallel-consumer/testing/manual-clock.js';
import { forEachConcurrently } from './for-each-concurrently.js';

describe('work in lanes', () => {
  it('is done on each item once, never on more than a few at once', async () => {
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const all = forEachConcurrently([1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      await new Promise<void>((resolve) => ends.push(resolve));
    });
    for (const expected of [2, 3, 4, 5, 5]) {
      await settle();
      expect(begun).toHaveLength(expected);
      ends.shift()?.();
    }
    await all;
    expect(begun).toEqual([1, 2, 3, 4, 5]);
  });

  it('that fails is not begun on the rest, and ends when all begun has ended', async () => {
    const begun: number[] = [];
    const other = Promise.withResolvers<void>();
    let isOver = false;
    const all = forEachConcurrently([1, 2, 3], 2, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('no');
      await other.promise;
    });
    const failure = all.catch((error: unknown) => String(error)).finally(() => (isOver = true));
    await settle();
    expect(isOver).toBe(false);
    other.resolve();
    expect(await failure).toBe('Error: no');
    expect(begun).toEqual([1, 2]);
  });
});
