import { describe, expect, it } from '@jest/globals';
import { Decimal128 } from 'mongodb';
import { Problem } from '#service/http/problem.js';
import { summaryOf, SummaryResponseSchema } from './summary-response.js';
import { MAX_GROUPS, type SumRow } from './summary-pipeline.js';

function row(key: SumRow['_id'], count: number, amount = '1.0000'): SumRow {
  return { _id: key, count, quantity: count * 10, amount: Decimal128.fromString(amount) };
}

describe('a summary', () => {
  it('has a group for each key, with its figures', () => {
    const from = new Date('2026-01-31T00:00:00Z');
    const summary = summaryOf(
      [
        row(null, 7),
        row({ currency: 'EUR', side: 'buy', symbol: 'FLUX', from }, 2, '46.2000'),
        row({ currency: 'USD', side: 'sell', symbol: 'ACME', from }, 3, '123456789012345678901234567.8900'),
      ],
      12,
    );
    expect(summary).toEqual({
      groups: [
        { currency: 'EUR', side: 'buy', symbol: 'FLUX', from: '2026-01-31T00:00:00.000Z', count: 2, quantity: 20, amount: '46.2000' }, // oxfmt-ignore
        { currency: 'USD', side: 'sell', symbol: 'ACME', from: '2026-01-31T00:00:00.000Z', count: 3, quantity: 30, amount: '123456789012345678901234567.8900' }, // oxfmt-ignore
      ],
      total: { count: 5 },
      excludedFilled: 7,
      through: 12,
    });
    expect(SummaryResponseSchema.parse(summary)).toEqual(summary);
  });

  it('omits keys that it is not grouped by', () => {
    const { groups, excludedFilled } = summaryOf([row({ currency: 'EUR' }, 2)], 2);
    expect(groups).toEqual([{ currency: 'EUR', count: 2, quantity: 20, amount: '1.0000' }]);
    expect(excludedFilled).toBe(0);
  });

  it.each([
    // Ten million times the largest amount.
    ['9999999999999999999999990.0000', '9999999999999999999999990.0000'],
    ['123456789012345678901234567890.1234', '123456789012345678901234567890.1234'],
    ['12.5', '12.5000'],
    ['7', '7.0000'],
    ['0E-4', '0.0000'],
  ])('has the exact sum of amounts %s as %s', (sum, amount) => {
    expect(summaryOf([row({ currency: 'EUR' }, 1, sum)], 1).groups[0]?.amount).toBe(amount);
  });

  // Decimal128 has 34 digits: MongoDB rounds a longer sum, which then has fewer than four decimals.
  it.each(['1234567890123456789012345678901.234', '1.2E+40', '0.00001', '1E-7', 'NaN', 'Infinity'])(
    'rejects the sum of amounts %s: it is rounded, or not a sum of amounts',
    (sum) => {
      expect(() => summaryOf([row({ currency: 'EUR' }, 1, sum)], 1)).toThrow(RangeError);
    },
  );

  it('has no groups if there are no orders', () => {
    expect(summaryOf([], 0)).toEqual({ groups: [], total: { count: 0 }, excludedFilled: 0, through: 0 });
  });

  it('rejects more than 10,000 groups, not counting the excluded orders', () => {
    const rows = Array.from({ length: MAX_GROUPS }, (_, n) => row({ currency: 'EUR', symbol: `S${n}` }, 1));
    expect(summaryOf([row(null, 1), ...rows], 1).groups).toHaveLength(MAX_GROUPS);
    const problem = problemOf(() => summaryOf([...rows, row({ currency: 'USD' }, 1)], 1));
    expect(problem).toMatchObject({ code: 'too-many-groups', status: 400 });
  });
});

function problemOf(rejected: () => unknown): Problem {
  try {
    rejected();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it was not rejected');
}
