import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { BatcherOptions } from './batch-queue.js';
import { Batcher, BatchResultsError } from './batcher.js';

const OPTIONS = { maxBatchSize: 3, maxBatchWaitMs: 10, maxBatches: 1 };

/** A writer whose batches end when the spec calls `end`. It multiplies each item by ten. */
class HeldWriter {
  readonly batches: number[][] = [];
  private readonly ends: { resolve: () => void; reject: (error: Error) => void }[] = [];

  readonly write = async (items: readonly number[]): Promise<number[]> => {
    this.batches.push([...items]);
    await new Promise<void>((resolve, reject) => void this.ends.push({ resolve, reject }));
    return items.map((item) => item * 10);
  };

  async end(error?: Error): Promise<void> {
    const ended = this.ends.shift();
    if (error) ended?.reject(error);
    else ended?.resolve();
    await settle();
  }
}

describe('Batcher', () => {
  it('writes the items of one turn at once in one batch, and returns each item its own result', async () => {
    const clock = new ManualClock();
    const writer = new HeldWriter();
    const batcher = new Batcher(writer.write, { ...OPTIONS, clock });
    const results = Promise.all([batcher.add(1), batcher.add(2)]);
    expect(writer.batches).toEqual([]);
    await clock.advance(0);
    expect(writer.batches).toEqual([[1, 2]]);
    await writer.end();
    expect(await results).toEqual([10, 20]);
  });

  it('writes a full batch immediately, and lets the next one grow while the batch limit is reached', async () => {
    const clock = new ManualClock();
    const writer = new HeldWriter();
    const batcher = new Batcher(writer.write, { ...OPTIONS, clock });
    const results = Promise.all([1, 2, 3, 4].map(async (item) => batcher.add(item)));
    expect(writer.batches).toEqual([[1, 2, 3]]);
    await clock.advance(1_000);
    const late = batcher.add(5);
    expect(writer.batches.length).toBe(1);
    await writer.end();
    await clock.advance(10);
    expect(writer.batches).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    await writer.end();
    expect(await results).toEqual([10, 20, 30, 40]);
    expect(await late).toBe(50);
  });

  describe('with hardly any load', () => {
    const options = { maxBatchSize: 1_000, maxBatchWaitMs: 100 };

    it('writes what arrives during a batch beside it', async () => {
      const clock = new ManualClock();
      const { batches, write } = new HeldWriter();
      const batcher = new Batcher(write, { ...options, clock });
      void batcher.add(1);
      await clock.advance(5);
      void batcher.add(2);
      await clock.advance(0);
      expect(batches).toEqual([[1], [2]]);
    });

    it('writes without rest until the writer has worked for 50 ms, and gathers from then on', async () => {
      const clock = new ManualClock();
      const { batches, write } = new HeldWriter();
      const batcher = new Batcher(write, { ...options, clock });
      void batcher.add(1);
      await clock.advance(51);
      void batcher.add(2);
      await clock.advance(0);
      expect(batches).toEqual([[1]]);
    });
  });

  describe('after a batch that took 80 ms, under load', () => {
    const options = { maxBatchSize: 1_000, maxBatchWaitMs: 100 };

    /** Returns a batcher whose last batch has just ended, and the batches that it writes from then on. */
    async function rested(more: Partial<BatcherOptions> = {}) {
      const clock = new ManualClock();
      const writer = new HeldWriter();
      const batcher = new Batcher(writer.write, { ...options, clock, ...more });
      for (const ms of [50, 80]) {
        void batcher.add(0);
        await clock.advance(ms);
        await writer.end();
      }
      const add = (count: number): void => {
        for (let item = 0; item < count; item += 1) void batcher.add(item);
      };
      const sizes = (): number[] => writer.batches.slice(2).map(({ length }) => length);
      return { clock, writer, add, sizes };
    }

    it('gathers items for as long, while they arrive evenly', async () => {
      const { clock, add, sizes } = await rested();
      for (let ms = 0; ms < 79; ms += 1) {
        add(1);
        await clock.advance(1);
      }
      expect(sizes()).toEqual([]);
      await clock.advance(1);
      expect(sizes()).toEqual([79]);
    });

    it('writes them earlier once hardly any arrive', async () => {
      const { clock, add, sizes } = await rested();
      add(100);
      await clock.advance(5);
      add(3);
      await clock.advance(4);
      expect(sizes()).toEqual([]);
      await clock.advance(1);
      expect(sizes()).toEqual([103]);
    });

    it('gathers them no longer than `maxBatchWaitMs`', async () => {
      const { clock, add, sizes } = await rested({ maxBatchWaitMs: 30 });
      for (let ms = 0; ms < 30; ms += 1) {
        add(1);
        await clock.advance(1);
      }
      expect(sizes()).toEqual([30]);
    });

    it('writes a full batch without rest', async () => {
      const { add, sizes } = await rested();
      add(1_001);
      expect(sizes()).toEqual([1_000]);
    });

    it('writes an item at once that arrives after the rest', async () => {
      const { clock, add, sizes } = await rested();
      await clock.advance(80);
      add(1);
      await clock.advance(0);
      expect(sizes()).toEqual([1]);
    });

    it('writes a second batch beside a slow one when its first item has waited for `maxBatchWaitMs`', async () => {
      const { clock, add, sizes } = await rested();
      await clock.advance(80);
      add(1);
      await clock.advance(1);
      add(2);
      await clock.advance(99);
      expect(sizes()).toEqual([1]);
      await clock.advance(1);
      expect(sizes()).toEqual([1, 2]);
    });
  });

  it('runs two batches at a time by default', async () => {
    const clock = new ManualClock();
    const writer = new HeldWriter();
    const batcher = new Batcher(writer.write, { maxBatchSize: 1, maxBatchWaitMs: 0, clock });
    const results = Promise.all([1, 2, 3].map(async (item) => batcher.add(item)));
    expect(writer.batches).toEqual([[1], [2]]);
    await writer.end();
    expect(writer.batches).toEqual([[1], [2], [3]]);
    await writer.end();
    await writer.end();
    expect(await results).toEqual([10, 20, 30]);
  });

  it('rejects all items of a failed batch, and none of the next', async () => {
    const clock = new ManualClock();
    const writer = new HeldWriter();
    const batcher = new Batcher(writer.write, { ...OPTIONS, clock });
    const failed = Promise.allSettled([1, 2, 3].map(async (item) => batcher.add(item)));
    const good = batcher.add(4);
    await writer.end(new Error('not primary'));
    await clock.advance(10);
    await writer.end();
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await good).toBe(40);
  });

  it('rejects all items when the number of results differs from the number of items', async () => {
    const clock = new ManualClock();
    const batcher = new Batcher(async (items: readonly number[]) => items.slice(1), { ...OPTIONS, clock });
    const results = await Promise.allSettled([1, 2, 3].map(async (item) => batcher.add(item)));
    expect(results).toEqual(results.map(() => ({ status: 'rejected', reason: new BatchResultsError(3, [1, 2]) })));
  });

  it.each([
    [undefined, 'undefined instead of a list'],
    [null, 'null instead of a list'],
    ['abc', "'abc' instead of a list"],
    [[], '0'],
  ])('rejects all items when the writer returns %p', async (results, got) => {
    const batcher = new Batcher(async (_items: readonly number[]) => results as never, OPTIONS);
    await expect(batcher.add(1)).rejects.toMatchObject({
      code: 'batch-results',
      message: `a batch of 1 items must return 1 results in the same order, got ${got}`,
    });
  });

  it('rejects limits below 1', () => {
    const { write } = new HeldWriter();
    expect(() => new Batcher(write, { ...OPTIONS, maxBatchSize: 0 })).toThrow(RangeError);
    expect(() => new Batcher(write, { ...OPTIONS, maxBatches: 0 })).toThrow(RangeError);
  });
});
