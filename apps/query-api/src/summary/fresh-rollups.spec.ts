import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#parallel-consumer/testing/manual-clock.js';
import { Problem } from '#service/problem.js';
import { BlockLayout } from './block-layout.js';
import { FreshRollups } from './fresh-rollups.js';
import { FakeRollups } from './testing/fake-rollups.js';

function fresh(saved: number[]) {
  const clock = new ManualClock();
  const rollups = new FakeRollups(saved, clock);
  const keeper = {
    isHurrying: false,
    hurry: (): void => {
      keeper.isHurrying = true;
    },
  };
  const freshRollups = new FreshRollups(rollups, new BlockLayout(100), keeper, clock);
  const answer = async (): Promise<number | string> =>
    freshRollups.through().catch((error: unknown) => {
      if (error instanceof Problem) return `${error.getStatus()} ${error.code}`;
      throw error;
    });
  return { clock, rollups, keeper, answer };
}

describe('rollups that hold all that is saved', () => {
  it('are made where they do not, and nowhere else', async () => {
    const { rollups, answer } = fresh([100, 93, 0, 40]);
    rollups.rolledUp.set(0, 100).set(1, 93).set(3, 39);
    expect(await answer()).toBe(400);
    expect(rollups.made).toEqual([3]);
  });

  it('are counted again only where they are not full, and only when orders were saved', async () => {
    const { rollups, answer } = fresh([100, 93, 40]);
    await answer();
    await answer();
    rollups.counts = 0;
    await answer();
    expect(rollups.counts).toBe(0);
    rollups.present[2] = 41;
    await answer();
    expect([rollups.counts, rollups.rolledUp.get(2)]).toEqual([2, 41]);
  });

  it('are made by an order query when they are few, else in the background, without being counted meanwhile', async () => {
    const few = fresh(Array.from({ length: 40 }, () => 100));
    expect(await few.answer()).toBe(4_000);
    const many = fresh(Array.from({ length: 41 }, () => 100));
    expect(await many.answer()).toBe('503 summary-being-prepared');
    expect([many.keeper.isHurrying, many.rollups.made]).toEqual([true, []]);
    many.rollups.counts = 0;
    expect(await many.answer()).toBe('503 summary-being-prepared');
    expect(many.rollups.counts).toBe(0);
  });

  it('are left to the background when few of them take too long already', async () => {
    const { clock, rollups, keeper, answer } = fresh(Array.from({ length: 20 }, () => 100));
    rollups.madeWithin = 3_000;
    const asked = answer();
    await clock.advance(6_000);
    expect(await asked).toBe('503 summary-being-prepared');
    expect([rollups.made.length, keeper.isHurrying]).toEqual([8, true]);
  });

  it('are not answered for when MongoDB is away, and again as soon as it is back', async () => {
    const { rollups, answer } = fresh([100, 100]);
    rollups.failures = 1;
    await expect(answer()).rejects.toThrow('MongoDB is away');
    expect(await answer()).toBe(200);
  });
});
