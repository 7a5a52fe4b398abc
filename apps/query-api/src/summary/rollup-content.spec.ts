import { describe, expect, it } from '@jest/globals';
import { Decimal128, Long } from 'mongodb';
import type { RollupCell } from './order-rollup.js';
import { rollupContent } from './rollup-content.js';

function cell(from: string, kind: Partial<RollupCell> = {}): RollupCell {
  return {
    from: new Date(from),
    currency: 'EUR',
    side: 'buy',
    symbol: 'FLUX',
    filled: false,
    count: Long.fromNumber(2),
    quantity: Long.fromNumber(30),
    amount: Decimal128.fromString('0.1001'),
    ...kind,
  };
}

/** Creates one cell for each hour of some days. */
function hourly(days: number, kind: Partial<RollupCell> = {}, start = '2026-01-31T00:00:00Z'): RollupCell[] {
  return Array.from({ length: days * 24 }, (_, hour) =>
    cell(new Date(Date.parse(start) + hour * 3_600_000).toISOString(), kind),
  );
}

function summarized(cells: readonly RollupCell[] | undefined) {
  return cells?.map(({ from, symbol, count, quantity, amount }) => [
    from?.toISOString(),
    symbol,
    Number(count),
    Number(quantity),
    amount.toString(),
  ]);
}

describe('the content of a rollup', () => {
  it('has the same sums per hour, per day and for all times', () => {
    const cells = [...hourly(5), ...hourly(5, { symbol: 'GALE' })];
    const { orders, days, undated, ...rest } = rollupContent(cells);
    expect(rest).toEqual({ cells });
    expect(orders).toBe(2 * 24 * 5 * 2);
    expect(summarized(days)?.slice(0, 2)).toEqual([
      ['2026-01-31T00:00:00.000Z', 'FLUX', 48, 720, '2.4024'],
      ['2026-02-01T00:00:00.000Z', 'FLUX', 48, 720, '2.4024'],
    ]);
    expect(days).toHaveLength(10);
    expect(summarized(undated)).toEqual([
      [undefined, 'FLUX', 240, 3_600, '12.0120'],
      [undefined, 'GALE', 240, 3_600, '12.0120'],
    ]);
    expect(undated?.every((each) => !('from' in each))).toBe(true);
  });

  it('adds up to amounts with more digits than a single amount has', () => {
    const { days } = rollupContent(hourly(1, { amount: Decimal128.fromString('999999999999999999.9999') }));
    expect(days?.map(({ amount }) => amount.toString())).toEqual(['23999999999999999999.9976']);
  });

  it('keeps cells separate that differ in a dimension', () => {
    const kinds = [{}, { currency: 'USD' }, { side: 'sell' as const }, { symbol: 'GALE' }, { filled: true }];
    const { days, undated } = rollupContent(kinds.flatMap((kind) => hourly(4, kind)));
    expect([days?.length, undated?.length]).toEqual([20, 5]);
  });

  it('has correct days before 1970', () => {
    const { days } = rollupContent(hourly(1, {}, '1969-12-30T00:00:00Z'));
    expect(days?.map(({ from }) => from?.toISOString())).toEqual(['1969-12-30T00:00:00.000Z']);
  });

  it('has no coarser cells if they would not be far fewer', () => {
    const dates = Array.from({ length: 10 }, (_, day) => `2026-01-1${day}T05:00:00Z`);
    const apart = dates.map((date, n) => cell(date, { symbol: `S${n}` }));
    expect(rollupContent(apart)).toEqual({ orders: 20, cells: apart });
    const { days, undated } = rollupContent(dates.map((date) => cell(date)));
    expect(days).toBeUndefined();
    expect(undated).toHaveLength(1);
  });
});
