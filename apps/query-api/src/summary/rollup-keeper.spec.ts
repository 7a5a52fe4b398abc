import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { ArchivedShare } from '#orders/archive/archived-ranges.js';
import { Problem } from '#service/http/problem.js';
import type { RollupBlock, Tally } from './order-rollups.js';
import { UnchangedOrders, RollupKeeper, SharedRun } from './rollup-keeper.js';

/** Fakes the rollups by counts only: the number of saved and rolled-up orders per block. */
class FakeRollups {
  readonly blockSize = 100;
  /** The number of orders in each rollup, by block. */
  readonly rolledUp = new Map<number, number>();
  /** The blocks that were built, in this order. */
  readonly built: number[] = [];
  /** The blocks whose saved orders were counted, in this order. */
  readonly counted: number[] = [];
  /** How much of a block is archived; `none` unless it is set. */
  readonly shares = new Map<number, ArchivedShare>();
  /** How many of the next builds fail. */
  failures = 0;
  /** How long each read of the highest number waits for a primary, in milliseconds. */
  withoutPrimaryFor = 0;
  /** How long one build takes, in milliseconds. */
  builtWithin = 0;

  /** @param present the number of saved orders per block, from block 0; a block has 100 numbers */
  constructor(
    readonly present: number[],
    private readonly clock: ManualClock,
    /** The highest reserved number. */
    readonly highest = present.length * 100,
  ) {}

  async highestNumber(): Promise<number> {
    await this.pass(this.withoutPrimaryFor);
    return this.highest;
  }

  async tally(): Promise<Tally> {
    return { orders: this.present.reduce((sum, each) => sum + each, 0), source: 'a' };
  }

  async kept(): Promise<Map<number, number>> {
    return new Map(this.rolledUp);
  }

  async archived(): Promise<(block: number) => ArchivedShare> {
    return (block) => this.shares.get(block) ?? 'none';
  }

  async saved(block: number): Promise<number> {
    this.counted.push(block);
    return this.present[block] ?? 0;
  }

  async build({ block }: RollupBlock): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('MongoDB is unavailable');
    }
    await this.pass(this.builtWithin);
    this.built.push(block);
    this.rolledUp.set(block, this.present[block] ?? 0);
  }

  private async pass(milliseconds: number): Promise<void> {
    if (milliseconds > 0) await new Promise<void>((resolve) => void this.clock.after(milliseconds, resolve));
  }
}

function kept(saved: number[], highest?: number) {
  const clock = new ManualClock();
  const rollups = new FakeRollups(saved, clock, highest);
  const keeper = new RollupKeeper(rollups, clock);
  const result = async (): Promise<number | string> =>
    keeper.through().catch((error: unknown) => {
      if (error instanceof Problem) return `${error.getStatus()} ${error.code}`;
      throw error;
    });
  return { clock, rollups, keeper, result };
}

function started(saved: number[]) {
  const all = kept(saved);
  all.keeper.onApplicationBootstrap();
  return all;
}

describe('the rollups for a request', () => {
  it('are rebuilt for archived orders, also of full blocks, and are not counted where all orders are archived', async () => {
    const { rollups, result } = kept([0, 40, 0, 100]);
    rollups.rolledUp.set(0, 100).set(1, 100).set(3, 100);
    rollups.shares.set(0, 'all').set(1, 'some').set(2, 'all');
    expect(await result()).toBe(400);
    expect([rollups.built, rollups.counted]).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it('are rebuilt only for stale blocks', async () => {
    const { rollups, result } = kept([100, 93, 0, 40]);
    rollups.rolledUp.set(0, 100).set(1, 93).set(3, 39);
    expect(await result()).toBe(400);
    expect(rollups.built).toEqual([3]);
  });

  it.each([
    [undefined, 0, false],
    [undefined, 1, true],
    [0, 0, false],
    [0, 1, true],
    [57, 57, false],
    [57, 58, true],
    // An order was deleted by hand.
    [57, 56, true],
  ])('with %s orders in the rollup and %d saved are rebuilt: %s', async (rolledUp, saved, isRebuilt) => {
    const { rollups, result } = kept([saved]);
    if (rolledUp !== undefined) rollups.rolledUp.set(0, rolledUp);
    await result();
    expect(rollups.built).toEqual(isRebuilt ? [0] : []);
  });

  it.each([
    [0, []],
    [1, [0]],
    [100, [0]],
    [101, [0, 1]],
    [250, [0, 1, 2]],
  ])('are those of all blocks up to the highest number %d', async (highest, blocks) => {
    const { rollups, result } = kept([100, 100, 50], highest);
    expect(await result()).toBe(highest);
    expect(rollups.built).toEqual(blocks);
  });

  it('need counts only of blocks that are not full, and only after orders were saved', async () => {
    const { rollups, result } = kept([100, 93, 40]);
    await result();
    await result();
    expect(rollups.counted).toEqual([0, 1, 2, 1, 2]);
    await result();
    expect(rollups.counted).toHaveLength(5);
    rollups.present[2] = 41;
    await result();
    expect([rollups.counted.slice(5), rollups.rolledUp.get(2)]).toEqual([[1, 2], 41]);
  });

  it('are built four at a time', async () => {
    const { clock, rollups, result } = kept(Array.from({ length: 10 }, () => 100));
    rollups.builtWithin = 1_000;
    const pending = result();
    await clock.advance(2_999);
    expect(rollups.built).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    await clock.advance(1);
    expect(await pending).toBe(1_000);
  });

  it('that take more than four seconds are built in the background, once for all requests', async () => {
    const { clock, rollups, result } = kept(Array.from({ length: 20 }, () => 100));
    rollups.builtWithin = 1_500;
    const first = result();
    await clock.advance(4_000);
    expect([await first, rollups.built.length]).toEqual(['503 summary-being-prepared', 8]);
    const second = result();
    await clock.advance(3_500);
    expect(await second).toBe(2_000);
    expect(rollups.built.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, block) => block));
  });

  it('wait longer than four seconds for a primary', async () => {
    const { clock, rollups, result } = kept([100, 40]);
    rollups.withoutPrimaryFor = 15_000;
    const pending = result();
    await clock.advance(14_999);
    rollups.withoutPrimaryFor = 0;
    await clock.advance(1);
    expect(await pending).toBe(200);
  });

  it('fail while MongoDB is unavailable, and succeed as soon as it is back', async () => {
    const { rollups, result } = kept([100, 100]);
    rollups.failures = 1;
    await expect(result()).rejects.toThrow('MongoDB is unavailable');
    expect(await result()).toBe(200);
  });

  it('are still built while the process stops', async () => {
    const { keeper, rollups, result } = kept([100, 40]);
    await keeper.onModuleDestroy();
    expect(await result()).toBe(200);
    expect(rollups.built).toEqual([0, 1]);
  });
});

describe('the rollups in the background', () => {
  beforeAll(() => Logger.overrideLogger(false));
  afterAll(() => Logger.overrideLogger(['warn']));

  it('are built once for each full block', async () => {
    const { clock, rollups } = started([100, 0, 100]);
    await clock.advance(60_000);
    expect(rollups.built).toEqual([0, 2]);
    rollups.present[1] = 100;
    await clock.advance(2_000);
    expect(rollups.built).toEqual([0, 2, 1]);
  });

  it('are built for a block with holes once it no longer changes, and again after it changed', async () => {
    const { clock, rollups } = started([60]);
    await clock.advance(1_000);
    rollups.present[0] = 80;
    await clock.advance(2_000);
    expect(rollups.built).toEqual([]);
    await clock.advance(2_000);
    expect(rollups.built).toEqual([0]);
    rollups.present[0] = 81;
    await clock.advance(4_000);
    expect(rollups.built).toEqual([0, 0]);
  });

  it('need no counts while no orders are saved', async () => {
    const { clock, rollups } = started([100, 40]);
    await clock.advance(10_000);
    const { length } = rollups.counted;
    await clock.advance(3_600_000);
    expect(rollups.counted).toHaveLength(length);
  });

  it('take 1/20 of the time, with pauses for the rest', async () => {
    const { clock, rollups } = started([100, 100, 100]);
    rollups.builtWithin = 200;
    await clock.advance(200);
    expect(rollups.built).toEqual([0]);
    await clock.advance(3_999);
    expect(rollups.built).toEqual([0]);
    await clock.advance(1);
    expect(rollups.built).toEqual([0, 1]);
  });

  it('are all built without pauses for a request, also those of blocks that were skipped before', async () => {
    const { clock, rollups, result } = started([70, 100, 100]);
    rollups.builtWithin = 200;
    await clock.advance(300);
    expect(rollups.built).toEqual([1]);
    const pending = result();
    await clock.advance(200);
    expect(await pending).toBe(300);
    expect(rollups.built).toEqual([1, 0, 2]);
  });

  it('are built after failures', async () => {
    const { clock, rollups } = started([100]);
    rollups.failures = 2;
    await clock.advance(2_000);
    expect(rollups.built).toEqual([]);
    await clock.advance(4_000);
    expect(rollups.built).toEqual([0]);
  });

  it('end with the current block when the process stops', async () => {
    const { clock, rollups, keeper } = started([100, 100]);
    rollups.builtWithin = 200;
    await clock.advance(100);
    const ended = keeper.onModuleDestroy();
    await clock.advance(100);
    await ended;
    await clock.advance(60_000);
    expect(rollups.built).toEqual([0]);
  });
});

function runs() {
  const begun: PromiseWithResolvers<number>[] = [];
  const shared = new SharedRun(async () => {
    const run = Promise.withResolvers<number>();
    begun.push(run);
    return run.promise;
  });
  return { begun, shared };
}

describe('a shared run', () => {
  it('serves all concurrent callers', async () => {
    const { begun, shared } = runs();
    const results = [shared.result(), shared.result()];
    await settle();
    expect(begun).toHaveLength(1);
    begun[0]?.resolve(1);
    expect(await Promise.all(results)).toEqual([1, 1]);
  });

  it('does not serve callers that arrive during it: they share the next run', async () => {
    const { begun, shared } = runs();
    const first = shared.result();
    await settle();
    const later = [shared.result(), shared.result()];
    await settle();
    expect(begun).toHaveLength(1);
    begun[0]?.resolve(1);
    await settle();
    expect(begun).toHaveLength(2);
    begun[1]?.resolve(2);
    expect(await Promise.all([first, ...later])).toEqual([1, 2, 2]);
  });

  it('fails only for its own callers, not for those of the next run', async () => {
    const { begun, shared } = runs();
    const first = shared.result().catch((error: unknown) => String(error));
    await settle();
    const next = shared.result();
    begun[0]?.reject(new Error('unavailable'));
    expect(await first).toBe('Error: unavailable');
    await settle();
    begun[1]?.resolve(2);
    expect(await next).toBe(2);
  });
});

const KEPT = new Map([
  [0, 100],
  [1, 93],
]);
const COUNTED: Tally = { orders: 193, source: 'a' };

function counted(tally = COUNTED): UnchangedOrders {
  const unchanged = new UnchangedOrders();
  unchanged.note(tally, KEPT);
  return unchanged;
}

describe('unchanged orders', () => {
  it('are detected after a full count, while the document count stays the same', () => {
    expect(new UnchangedOrders().since(COUNTED, KEPT)).toBe(false);
    expect(counted().since(COUNTED, KEPT)).toBe(true);
    expect(counted().since({ ...COUNTED, orders: 194 }, KEPT)).toBe(false);
  });

  it('are not detected with another MongoDB process: the count may be wrong after a crash', () => {
    expect(counted().since({ ...COUNTED, source: 'b' }, KEPT)).toBe(false);
    const unknown = { orders: 193, source: undefined };
    expect(counted(unknown).since(unknown, KEPT)).toBe(false);
  });

  it('are not detected with a wrong document count', () => {
    const off = { ...COUNTED, orders: 190 };
    expect(counted(off).since(off, KEPT)).toBe(false);
  });

  it('are not detected if stored rollups were dropped', () => {
    expect(counted().since(COUNTED, new Map([[0, 100]]))).toBe(false);
  });
});
