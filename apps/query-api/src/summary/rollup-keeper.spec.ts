import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { BlockLayout } from './block-layout.js';
import { FakeRollups } from './testing/fake-rollups.js';
import { RollupKeeper } from './rollup-keeper.js';

function started(saved: number[]) {
  const clock = new ManualClock();
  const rollups = new FakeRollups(saved, clock);
  const keeper = new RollupKeeper(rollups, new BlockLayout(100), clock);
  keeper.onApplicationBootstrap();
  return { clock, rollups, keeper };
}

describe('the rollup keeper', () => {
  beforeAll(() => Logger.overrideLogger(false));
  afterAll(() => Logger.overrideLogger(['warn']));

  it('builds the rollup of each full block once', async () => {
    const { clock, rollups } = started([100, 0, 100]);
    await clock.advance(60_000);
    expect(rollups.made).toEqual([0, 2]);
    rollups.present[1] = 100;
    await clock.advance(2_000);
    expect(rollups.made).toEqual([0, 2, 1]);
  });

  it('builds the rollup of a block with holes once it no longer changes, and again after it changed', async () => {
    const { clock, rollups } = started([60]);
    await clock.advance(1_000);
    rollups.present[0] = 80;
    await clock.advance(2_000);
    expect(rollups.made).toEqual([]);
    await clock.advance(2_000);
    expect(rollups.made).toEqual([0]);
    rollups.present[0] = 81;
    await clock.advance(4_000);
    expect(rollups.made).toEqual([0, 0]);
  });

  it('reads no rollups while no orders are saved', async () => {
    const { clock, rollups } = started([100, 40]);
    await clock.advance(10_000);
    const { reads } = rollups;
    await clock.advance(3_600_000);
    expect(rollups.reads).toBe(reads);
  });

  it('works 1/20 of the time and pauses for the rest', async () => {
    const { clock, rollups } = started([100, 100, 100]);
    rollups.madeWithin = 200;
    await clock.advance(200);
    expect(rollups.made).toEqual([0]);
    await clock.advance(3_999);
    expect(rollups.made).toEqual([0]);
    await clock.advance(1);
    expect(rollups.made).toEqual([0, 1]);
  });

  it('builds all stale rollups without pauses when it hurries, also those it has skipped before', async () => {
    const { clock, rollups, keeper } = started([70, 100, 100]);
    rollups.madeWithin = 200;
    await clock.advance(300);
    expect(rollups.made).toEqual([1]);
    keeper.hurry();
    expect(keeper.isHurrying).toBe(true);
    await clock.advance(400);
    expect(rollups.made).toEqual([1, 2, 0]);
    expect(keeper.isHurrying).toBe(false);
  });

  it('retries failed builds', async () => {
    const { clock, rollups, keeper } = started([100]);
    rollups.failures = 2;
    await clock.advance(2_000);
    expect(rollups.made).toEqual([]);
    keeper.hurry();
    await clock.advance(4_000);
    expect(rollups.made).toEqual([0]);
    expect(keeper.isHurrying).toBe(false);
  });

  it('stops after the current block', async () => {
    const { clock, rollups, keeper } = started([100, 100]);
    rollups.madeWithin = 200;
    await clock.advance(100);
    const ended = keeper.onModuleDestroy();
    await clock.advance(100);
    await ended;
    await clock.advance(60_000);
    expect(rollups.made).toEqual([0]);
  });
});
