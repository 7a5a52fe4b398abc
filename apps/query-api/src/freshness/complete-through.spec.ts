import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { NumberRange } from '../orders/number-holes.js';
import { CompleteThrough, type WatermarkSources } from './complete-through.js';

/** The numbers of a database in memory. */
class Numbers {
  highest = 0;
  readonly missing = new Set<number>();
  readonly deadLettered = new Set<number>();
  holes: NumberRange[] = [];
  stored = 0;
  isWritable = true;
  /** Numbers that were counted or read. */
  counted = 0;

  get sources(): WatermarkSources {
    return {
      numbers: {
        highestReserved: async () => Promise.resolve(this.highest),
        isFull: async (range) => {
          const saved = await this.saved(range);
          return saved.size === range.to - range.from + 1;
        },
        among: async (range) => this.saved(range),
      },
      holes: { all: async () => Promise.resolve(this.holes) },
      settled: { among: async (some) => Promise.resolve(new Set(some.filter((each) => this.deadLettered.has(each)))) },
      stored: {
        read: async () => Promise.resolve(this.stored),
        raise: async (through) => {
          if (!this.isWritable) return Promise.reject(new Error('no primary'));
          this.stored = Math.max(this.stored, through);
          return Promise.resolve();
        },
      },
    };
  }

  private async saved({ from, to }: NumberRange): Promise<Set<number>> {
    const saved = new Set<number>();
    this.counted += to - from + 1;
    for (let number = from; number <= to; number += 1) if (!this.missing.has(number)) saved.add(number);
    return Promise.resolve(saved);
  }
}

describe('the watermark', () => {
  let clock: ManualClock;
  let numbers: Numbers;

  beforeEach(() => {
    clock = new ManualClock();
    numbers = new Numbers();
  });

  async function after(seconds: number, watermark: CompleteThrough): Promise<number> {
    await clock.advance(seconds * 1_000);
    const number = watermark.number();
    await clock.advance(0);
    return number;
  }

  it('ends before the first number that is neither saved, dead-lettered nor a hole', async () => {
    numbers.highest = 50_000;
    numbers.missing.add(30_000).add(40_000);
    numbers.deadLettered.add(30_000);
    numbers.holes = [{ from: 35_000, to: 36_000 }];
    expect(await after(1, new CompleteThrough(numbers.sources, clock))).toBe(39_999);
  });

  it('is stored as it was reached, never as it may become', async () => {
    numbers.highest = 50_000;
    numbers.missing.add(40_000);
    const watermark = new CompleteThrough(numbers.sources, clock);
    for (let turn = 0; turn < 3; turn += 1) await after(6, watermark);
    expect(numbers.stored).toBe(39_999);
    numbers.missing.clear();
    for (let turn = 0; turn < 3; turn += 1) await after(6, watermark);
    expect(numbers.stored).toBe(50_000);
  });

  it('is there at once after a restart, and counts nothing again', async () => {
    numbers.highest = 1_000_000;
    numbers.stored = 1_000_000;
    expect(await after(0, new CompleteThrough(numbers.sources, clock))).toBe(1_000_000);
    expect(numbers.counted).toBe(0);
    numbers.highest += 300;
    expect(await after(0, new CompleteThrough(numbers.sources, clock))).toBe(1_000_300);
    expect(numbers.counted).toBe(300);
  });

  it('is stored some seconds after it has risen, without another request', async () => {
    numbers.highest = 100_000;
    const watermark = new CompleteThrough(numbers.sources, clock);
    expect(await after(0, watermark)).toBe(100_000);
    expect(numbers.stored).toBeLessThan(100_000);
    await clock.advance(5_000);
    await clock.advance(0);
    expect(numbers.stored).toBe(100_000);
  });

  it('is stored when the process ends', async () => {
    numbers.highest = 100_000;
    const watermark = new CompleteThrough(numbers.sources, clock);
    expect(await after(0, watermark)).toBe(100_000);
    await watermark.onModuleDestroy();
    expect(numbers.stored).toBe(100_000);
  });

  it('rises while it cannot be stored, and is stored later', async () => {
    numbers.highest = 100;
    numbers.isWritable = false;
    const watermark = new CompleteThrough(numbers.sources, clock);
    expect(await after(2, watermark)).toBe(100);
    numbers.highest = 200;
    expect([await after(2, watermark), numbers.stored]).toEqual([200, 0]);
    numbers.isWritable = true;
    await after(6, watermark);
    await clock.advance(0);
    expect(numbers.stored).toBe(200);
  });
});
