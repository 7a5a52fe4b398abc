import { describe, expect, it } from '@jest/globals';
import { type Document, Decimal128 } from 'mongodb';
import { Problem } from '#service/http/problem.js';
import { SummaryQuerySchema } from './summary-query.js';
import { sumOfOrders, sumOfRollups, MAX_GROUPS, type SumRow } from './summary-pipeline.js';
import { summaryOf, SummaryResponseSchema } from './summary-response.js';

function invalidFields(given: object): string[] {
  const issues = SummaryQuerySchema.safeParse(given).error?.issues ?? [];
  return issues.flatMap((issue) => ('keys' in issue ? issue.keys : [issue.path.join('.')]));
}

describe('the query of a summary', () => {
  it('defaults to all orders by currency, without orders that have invented values', () => {
    expect(SummaryQuerySchema.parse({})).toEqual({ groupBy: { side: false, symbol: false }, includeFilled: false });
  });

  it.each([
    ['side', { side: true, symbol: false, bucket: undefined }],
    ['day,symbol', { side: false, symbol: true, bucket: 'day' }],
    ['side,symbol,month', { side: true, symbol: true, bucket: 'month' }],
    ['hour', { side: false, symbol: false, bucket: 'hour' }],
  ])('groups by %s', (groupBy, expected) => {
    expect(SummaryQuerySchema.parse({ groupBy }).groupBy).toEqual(expected);
  });

  it('accepts each filter', () => {
    const filters = { currency: 'EUR', side: 'sell', symbol: 'FLUX', accountId: 'acc-1' };
    expect(SummaryQuerySchema.parse({ ...filters, includeFilled: 'true' })).toMatchObject({
      ...filters,
      includeFilled: true,
    });
  });

  it('reads currency and side in any case, with or without surrounding spaces', () => {
    expect(SummaryQuerySchema.parse({ currency: ' usd', side: 'BUY ' })).toMatchObject({
      currency: 'USD',
      side: 'buy',
    });
  });

  it.each<[string, unknown]>([
    ['groupBy', ''],
    ['groupBy', 'price'],
    ['groupBy', 'side,'],
    ['groupBy', 'side, symbol'],
    ['groupBy', 'Side'],
    ['groupBy', 'currency'],
    ['groupBy', 'side,symbol,side'],
    ['groupBy', 'hour,day'],
    ['groupBy', ['side', 'symbol']],
    ['groupBy', { side: '1' }],
    ['currency', 'EURO'],
    ['currency', ['EUR', 'USD']],
    ['side', 'both'],
    ['side', ['buy', 'sell']],
    ['symbol', ''],
    ['symbol', 'a\u0000b'],
    ['symbol', { $ne: '' }],
    ['accountId', 'a'.repeat(65)],
    ['includeFilled', '1'],
    ['includeFilled', ''],
    ['includeFilled', ['true', 'true']],
    ['createdAt', '2026-01-31T12:00:00Z'],
    ['sort', 'amount'],
    ['page', '1'],
    ['number', { gte: '1' }],
  ])('rejects %s = %j and names the field', (field, value) => {
    expect(invalidFields({ [field]: value })).toEqual([field]);
  });

  it('says that the currency needs no group key', () => {
    const { error } = SummaryQuerySchema.safeParse({ groupBy: 'currency' });
    expect(error?.issues[0]?.message).toBe(
      'must be a comma-separated list of side, symbol, hour, day, month (each summary is grouped by currency anyway)',
    );
  });

  it.each([
    [{ gte: '2026-01-31T12:00:00Z', lt: '2026-01-31T13:00:00Z' }, []],
    [{ lt: '2026-01-31T13:00:00+01:00' }, []],
    [{ gte: '1969-12-31T23:00:00Z' }, []],
    [{ gte: '2026-01-31T12:30:00Z' }, ['createdAt.gte']],
    [{ gte: '2026-01-31T12:00:00+05:30' }, ['createdAt.gte']],
    [{ lt: '2026-01-31T12:00:00.001Z' }, ['createdAt.lt']],
    [{ gt: '2026-01-31T12:00:00Z' }, ['createdAt.gt']],
    [{ lte: '2026-01-31T12:00:00Z' }, ['createdAt.lte']],
    [{ gt: '2026-01-31T12:30:00Z', lte: '2026-01-31T12:45:00Z' }, ['createdAt.gt', 'createdAt.lte']],
    [{ gte: '2026-01-31T13:00:00Z', lt: '2026-01-31T12:00:00Z' }, ['createdAt']],
    [{ gte: '2026-01-31', lte: '2026-01-31' }, []],
    [{ gt: '2026-01-30', lt: '2026-02-01' }, []],
    [{ gte: '2026-01' }, ['createdAt.gte']],
  ])('with createdAt %j rejects the fields %j', (createdAt, names) => {
    expect(invalidFields({ createdAt })).toEqual(names);
  });

  it('accepts any range of createdAt for one account, whose orders are summed up directly', () => {
    expect(
      invalidFields({ accountId: 'a', createdAt: { gt: '2026-01-31T12:30:00.001Z', lte: '2026-02-01T00:00:00Z' } }),
    ).toEqual([]);
    expect(
      invalidFields({ accountId: 'a', createdAt: { gt: '2026-01-31T12:30:00Z', gte: '2026-01-31T12:30:00Z' } }),
    ).toEqual(['createdAt.gt']);
  });
});

function rollups(query: object): Document[] {
  return sumOfRollups(SummaryQuerySchema.parse(query));
}

/** Returns the key of the first `$group` stage. */
function keyOf(pipeline: Document[]): Document {
  return pipeline.find((stage) => '$group' in stage)?.['$group']._id as Document;
}

describe('the pipeline of a summary', () => {
  it('always groups by currency', () => {
    expect(keyOf(rollups({}))).toEqual({ currency: '$currency', filled: '$filled' });
    expect(keyOf(rollups({ groupBy: 'month,side,symbol' }))).toEqual({
      currency: '$currency',
      side: '$side',
      symbol: '$symbol',
      from: { $dateTrunc: { date: '$createdAt', unit: 'month' } },
      filled: '$filled',
    });
  });

  it('separates orders with filled fields only if they are excluded', () => {
    expect(keyOf(rollups({ includeFilled: 'true' }))).toEqual({ currency: '$currency' });
  });

  it('sorts groups by currency, side, symbol and time, whatever the order in groupBy', () => {
    expect(Object.keys(keyOf(rollups({ groupBy: 'day,symbol,side' })))).toEqual(['currency', 'side', 'symbol', 'from', 'filled']); // oxfmt-ignore
  });

  it('unwinds only blocks with matching cells', () => {
    const [blocks, , unwind, , filter] = rollups({ symbol: 'ACME', createdAt: { gte: '2026-01-31T12:00:00Z' } });
    const conditions = { symbol: 'ACME', createdAt: { $gte: new Date('2026-01-31T12:00:00Z') } };
    expect(blocks).toEqual({ $match: { hour: { $elemMatch: conditions } } });
    expect(unwind).toEqual({ $unwind: '$cells' });
    expect(filter).toEqual({ $match: conditions });
  });

  it.each<[object, string]>([
    [{}, 'all'],
    [{ groupBy: 'side', symbol: 'ACME' }, 'all'],
    [{ groupBy: 'month' }, 'day'],
    [{ groupBy: 'day' }, 'day'],
    [{ createdAt: { gte: '2026-01-31T00:00:00Z', lt: '2026-02-01T00:00:00Z' } }, 'day'],
    [{ createdAt: { gte: '2026-01-31T00:00:00Z', lt: '2026-02-01T01:00:00Z' } }, 'hour'],
    [{ groupBy: 'hour' }, 'hour'],
    [{ groupBy: 'day', createdAt: { lt: '2026-02-01T01:00:00Z' } }, 'hour'],
  ])('%j uses the coarsest cells with enough detail: %s', (query, expected) => {
    const [blocks, project] = rollups(query);
    expect(Object.keys(blocks?.['$match'])).toEqual([expected]);
    expect(project).toEqual({ $project: { cells: `$${expected}` } });
  });

  it('sums up the orders of one account directly', () => {
    const createdAt = { gt: '2026-01-31T12:30:00Z', lte: '2026-01-31T12:45:00Z' };
    const request = SummaryQuerySchema.parse({ accountId: 'acc-1', createdAt, side: 'buy', groupBy: 'day' });
    const pipeline = sumOfOrders(request);
    expect(pipeline[0]).toEqual({
      $match: {
        accountId: 'acc-1',
        createdAt: { $gt: new Date(createdAt.gt), $lte: new Date(createdAt.lte) },
        side: 'buy',
      },
    });
    expect(keyOf(pipeline)).toMatchObject({
      currency: '$currency',
      from: { $dateTrunc: { date: '$createdAt', unit: 'day' } },
    });
  });
});

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
