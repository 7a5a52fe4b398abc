import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { Problem } from '#service/http/problem.js';
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
  const result = async (): Promise<number | string> =>
    freshRollups.through().catch((error: unknown) => {
      if (error instanceof Problem) return `${error.getStatus()} ${error.code}`;
      throw error;
    });
  return { clock, rollups, keeper, result };
}

describe('fresh rollups', () => {
  it('are rebuilt only for stale blocks', async () => {
    const { rollups, result } = fresh([100, 93, 0, 40]);
    rollups.rolledUp.set(0, 100).set(1, 93).set(3, 39);
    expect(await result()).toBe(400);
    expect(rollups.made).toEqual([3]);
  });

  it('count only blocks that are not full, and only after orders were saved', async () => {
    const { rollups, result } = fresh([100, 93, 40]);
    await result();
    await result();
    rollups.counts = 0;
    await result();
    expect(rollups.counts).toBe(0);
    rollups.present[2] = 41;
    await result();
    expect([rollups.counts, rollups.rolledUp.get(2)]).toEqual([2, 41]);
  });

  it('are built by the request if few blocks are stale, else in the background, without counting in the meantime', async () => {
    const few = fresh(Array.from({ length: 40 }, () => 100));
    expect(await few.result()).toBe(4_000);
    const many = fresh(Array.from({ length: 41 }, () => 100));
    expect(await many.result()).toBe('503 summary-being-prepared');
    expect([many.keeper.isHurrying, many.rollups.made]).toEqual([true, []]);
    many.rollups.counts = 0;
    expect(await many.result()).toBe('503 summary-being-prepared');
    expect(many.rollups.counts).toBe(0);
  });

  it('are left to the background if a few blocks already take too long', async () => {
    const { clock, rollups, keeper, result } = fresh(Array.from({ length: 20 }, () => 100));
    rollups.madeWithin = 3_000;
    const pending = result();
    await clock.advance(6_000);
    expect(await pending).toBe('503 summary-being-prepared');
    expect([rollups.made.length, keeper.isHurrying]).toEqual([8, true]);
  });

  it('fail while MongoDB is unavailable, and succeed as soon as it is back', async () => {
    const { rollups, result } = fresh([100, 100]);
    rollups.failures = 1;
    await expect(result()).rejects.toThrow('MongoDB is unavailable');
    expect(await result()).toBe(200);
  });
});
