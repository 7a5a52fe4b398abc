import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { INTERVAL_NUMBERS, type NumberInterval } from '../sides/side.js';
import { skipEmpty } from './side-readers.js';

/** Skips numbers without an order. @returns where orders go on, and the intervals that were asked for */
async function skip(orders: readonly number[], from: number, upTo: number) {
  const asked: NumberInterval[] = [];
  const next = await skipEmpty(from, upTo, async (interval) => {
    asked.push(interval);
    return !orders.some((number) => number >= interval.from && number <= interval.to);
  });
  return { next, asked };
}

async function isEmptyUpTo100000({ to }: NumberInterval): Promise<boolean> {
  if (to > 100_000) throw new Error('a file is damaged');
  return true;
}

describe('the skip of numbers without an order', () => {
  it('asks for a billion numbers in about a thousand requests, and never for more than about a million at once', async () => {
    const { next, asked } = await skip([999_999_999], 5_001, 1_000_000_000);
    expect(next).toBe(999_999_001);
    expect(asked.length).toBeLessThan(1_100);
    expect(Math.max(...asked.map(({ from, to }) => to - from))).toBeLessThan(1_100_000);
  });

  it('asks once where orders go on at once, and returns a number above the last one where none do', async () => {
    expect(await skip([5_500], 5_001, 10_000)).toEqual({ next: 5_001, asked: [{ from: 5_001, to: 6_000 }] });
    expect((await skip([], 5_001, 2_000_500)).next).toBe(2_000_501);
  });

  it('ends without a failure where an answer fails: the interval itself is read next', async () => {
    expect(await skipEmpty(1, 1_000_000, isEmptyUpTo100000)).toBe(63_001);
  });

  it('never skips an order, and stops at the first interval that has one', async () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 5_000_000 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(numbers, fc.integer({ min: 0, max: 4_999 }), async (orders, interval) => {
        const from = interval * INTERVAL_NUMBERS + 1;
        const first = Math.min(...orders.filter((number) => number >= from));
        const expected = Number.isFinite(first)
          ? Math.floor((first - 1) / INTERVAL_NUMBERS) * INTERVAL_NUMBERS + 1
          : 5_000_001;
        expect((await skip(orders, from, 5_000_000)).next).toBe(expected);
      }),
    );
  });
});
