import { describe, expect, it } from '@jest/globals';
import { settle } from '@orders-pipeline/clock/testing';
import { forEachConcurrently } from './for-each-concurrently.js';

describe('concurrent work on items', () => {
  it('runs once per item, within the concurrency limit', async () => {
    const started: number[] = [];
    const ends: (() => void)[] = [];
    const all = forEachConcurrently([1, 2, 3, 4, 5], 2, async (item) => {
      started.push(item);
      await new Promise<void>((resolve) => ends.push(resolve));
    });
    for (const expected of [2, 3, 4, 5, 5]) {
      await settle();
      expect(started).toHaveLength(expected);
      ends.shift()?.();
    }
    await all;
    expect(started).toEqual([1, 2, 3, 4, 5]);
  });

  it('starts no further item after a failure, and rejects after the started items have ended', async () => {
    const started: number[] = [];
    const other = Promise.withResolvers<void>();
    let isOver = false;
    const all = forEachConcurrently([1, 2, 3], 2, async (item) => {
      started.push(item);
      if (item === 1) throw new Error('no');
      await other.promise;
    });
    const failure = all.catch((error: unknown) => String(error)).finally(() => (isOver = true));
    await settle();
    expect(isOver).toBe(false);
    other.resolve();
    expect(await failure).toBe('Error: no');
    expect(started).toEqual([1, 2]);
  });
});
