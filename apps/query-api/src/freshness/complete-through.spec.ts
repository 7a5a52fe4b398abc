import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { NumberRange } from '../orders/number-holes.js';
import { CompleteThrough, type WatermarkSources } from './complete-through.js';

describe('the watermark', () => {
  let clock: ManualClock;
  let highest: number;
  let missing: Set<number>;
  let deadLettered: Set<number>;
  let holes: NumberRange[];
  let stored: number;
  let isWritable: boolean;
  /** How many numbers were counted or read. */
  let counted: number;
  let watermark: CompleteThrough;

  beforeEach(() => {
    clock = new ManualClock();
    highest = 0;
    missing = new Set();
    deadLettered = new Set();
    holes = [];
    stored = 0;
    isWritable = true;
    counted = 0;
    watermark = new CompleteThrough(sources(), clock);
  });

  async function saved({ from, to }: NumberRange): Promise<Set<number>> {
    counted += to - from + 1;
    const numbers = Array.from({ length: to - from + 1 }, (_, at) => from + at);
    return new Set(numbers.filter((number) => !missing.has(number)));
  }

  /** The numbers of a database in memory. */
  function sources(): WatermarkSources {
    return {
      numbers: {
        highestReserved: async () => highest,
        isFull: async (range) => (await saved(range)).size === range.to - range.from + 1,
        among: saved,
      },
      holes: { all: async () => holes },
      withoutOrder: { among: async (some) => new Set(some.filter((each) => deadLettered.has(each))) },
      stored: {
        read: async () => stored,
        raise: async (through) => {
          if (!isWritable) throw new Error('no primary');
          stored = Math.max(stored, through);
        },
      },
    };
  }

  async function after(seconds: number): Promise<number> {
    await clock.advance(seconds * 1_000);
    const number = watermark.number();
    await clock.advance(0);
    return number;
  }

  it('ends before the first number that is neither saved, dead-lettered nor a hole', async () => {
    highest = 50_000;
    missing.add(30_000).add(40_000);
    deadLettered.add(30_000);
    holes = [{ from: 35_000, to: 36_000 }];
    expect(await after(1)).toBe(39_999);
  });

  it('is stored as it was reached, never as it may become', async () => {
    highest = 50_000;
    missing.add(40_000);
    for (let turn = 0; turn < 3; turn += 1) await after(6);
    expect(stored).toBe(39_999);
    missing.clear();
    for (let turn = 0; turn < 3; turn += 1) await after(6);
    expect(stored).toBe(50_000);
  });

  it('is there at once after a restart, and counts nothing again', async () => {
    highest = 1_000_000;
    stored = 1_000_000;
    expect([await after(0), counted]).toEqual([1_000_000, 0]);
    highest += 300;
    watermark = new CompleteThrough(sources(), clock);
    expect([await after(0), counted]).toEqual([1_000_300, 300]);
  });

  it('is stored some seconds after it has risen, without another request', async () => {
    highest = 100_000;
    expect(await after(0)).toBe(100_000);
    expect(stored).toBeLessThan(100_000);
    await clock.advance(5_000);
    await clock.advance(0);
    expect(stored).toBe(100_000);
  });

  it('is stored when the process ends', async () => {
    highest = 100_000;
    expect(await after(0)).toBe(100_000);
    await watermark.onModuleDestroy();
    expect(stored).toBe(100_000);
  });

  it('rises while it cannot be stored, and is stored later', async () => {
    highest = 100;
    isWritable = false;
    expect(await after(2)).toBe(100);
    highest = 200;
    expect([await after(2), stored]).toEqual([200, 0]);
    isWritable = true;
    await after(6);
    await clock.advance(0);
    expect(stored).toBe(200);
  });
});
