import { describe, expect, it } from '@jest/globals';
import { Decimal128, type Document } from 'mongodb';
import { Problem } from '#service/http/problem.js';
import { MAX_GROUPS, sumOfOrders, sumOfRollups, type SumRow, summaryOf } from './summaries.js';
import { SummaryQuerySchema, SummaryResponseSchema } from './summary-request.js';

function invalidFields(given: object): string[] {
  const issues = SummaryQuerySchema.safeParse(given).error?.issues ?? [];
  return issues.flatMap((issue) => ('keys' in issue ? issue.keys : [issue.path.join('.')]));
}

describe('the query of a summary', () => {
  const BY_CURRENCY = { side: false, symbol: false, bucket: undefined };

  it('defaults to all orders by currency, without orders that have invented values', () => {
    expect(SummaryQuerySchema.parse({})).toEqual({ groupBy: { side: false, symbol: false }, includeFilled: false });
  });

  it.each([
    ['side', { ...BY_CURRENCY, side: true }],
    ['day,symbol', { ...BY_CURRENCY, symbol: true, bucket: 'day' }],
    ['side,symbol,month', { side: true, symbol: true, bucket: 'month' }],
    ['hour', { ...BY_CURRENCY, bucket: 'hour' }],
  ])('groups by %s', (groupBy, expected) => {
    expect(SummaryQuerySchema.parse({ groupBy }).groupBy).toEqual(expected);
  });

  it.each<[object, object]>([
    [
      { currency: 'EUR', side: 'sell' },
      { currency: 'EUR', side: 'sell' },
    ],
    [
      { symbol: 'FLUX', accountId: 'acc-1' },
      { symbol: 'FLUX', accountId: 'acc-1' },
    ],
    [{ includeFilled: 'true' }, { includeFilled: true }],
    // In any case, with or without surrounding spaces.
    [
      { currency: ' usd', side: 'BUY ' },
      { currency: 'USD', side: 'buy' },
    ],
  ])('accepts the filters %j', (given, filters) => {
    expect(SummaryQuerySchema.parse(given)).toMatchObject(filters);
  });

  it.each<[string, unknown[]]>([
    ['groupBy', ['', 'price', 'side,', 'side, symbol', 'Side', 'currency', 'side,symbol,side', 'hour,day']],
    ['groupBy', [['side', 'symbol'], { side: '1' }]],
    ['currency', ['EURO', ['EUR', 'USD']]],
    ['side', ['both', ['buy', 'sell']]],
    ['symbol', ['', 'a\u0000b', { $ne: '' }]],
    ['accountId', ['a'.repeat(65)]],
    ['includeFilled', ['1', '', ['true', 'true']]],
    ['createdAt', ['2026-01-31T12:00:00Z']],
    ['sort', ['amount']],
    ['page', ['1']],
    ['number', [{ gte: '1' }]],
  ])('rejects wrong values of %s, and names it: %j', (field, values) => {
    for (const value of values) expect([value, invalidFields({ [field]: value })]).toEqual([value, [field]]);
  });

  it('says that the currency needs no group key', () => {
    const { error } = SummaryQuerySchema.safeParse({ groupBy: 'currency' });
    expect(error?.issues[0]?.message).toBe(
      'must be a comma-separated list of side, symbol, hour, day, month (each summary is grouped by currency anyway)',
    );
  });

  it.each<[object, string[]]>([
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

  it.each<[object, string[]]>([
    [{ gt: '2026-01-31T12:30:00.001Z', lte: '2026-02-01T00:00:00Z' }, []],
    [{ gt: '2026-01-31T12:30:00Z', gte: '2026-01-31T12:30:00Z' }, ['createdAt.gt']],
  ])('of one account, whose orders are summed up directly, with createdAt %j rejects %j', (createdAt, names) => {
    expect(invalidFields({ accountId: 'a', createdAt })).toEqual(names);
  });
});

function rollups(query: object): Document[] {
  return sumOfRollups(SummaryQuerySchema.parse(query));
}

/** Returns the key of the first `$group` stage. */
function keyOf(pipeline: Document[]): Document {
  return pipeline.find((stage) => '$group' in stage)?.['$group']._id as Document;
}

/** The beginning of a period. */
function from(unit: string): object {
  return { $dateTrunc: { date: '$createdAt', unit } };
}

describe('the pipeline of a summary', () => {
  const [currency, side, symbol, filled] = ['$currency', '$side', '$symbol', '$filled'];

  it.each<[object, object]>([
    [{}, { currency, filled }],
    [{ groupBy: 'month,side,symbol' }, { currency, side, symbol, from: from('month'), filled }],
    [{ groupBy: 'day,symbol,side' }, { currency, side, symbol, from: from('day'), filled }],
    // Orders with filled fields are separated only if they are excluded.
    [{ includeFilled: 'true' }, { currency }],
  ])('of %j groups by currency, side, symbol and time, in this order', (query, key) => {
    expect(Object.entries(keyOf(rollups(query)))).toEqual(Object.entries(key));
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
    const [gt, lte] = ['2026-01-31T12:30:00Z', '2026-01-31T12:45:00Z'];
    const query = { accountId: 'acc-1', createdAt: { gt, lte }, side: 'buy', groupBy: 'day' };
    const pipeline = sumOfOrders(SummaryQuerySchema.parse(query));
    const createdAt = { $gt: new Date(gt), $lte: new Date(lte) };
    expect(pipeline[0]).toEqual({ $match: { accountId: 'acc-1', createdAt, side: 'buy' } });
    expect(keyOf(pipeline)).toMatchObject({ currency, from: from('day') });
  });
});

function row(key: SumRow['_id'], count: number, amount = '1.0000'): SumRow {
  return { _id: key, count, quantity: count * 10, amount: Decimal128.fromString(amount) };
}

describe('a summary', () => {
  const EUR = { currency: 'EUR' };

  it('has a group for each key, with its figures', () => {
    const day = { from: new Date('2026-01-31T00:00:00Z') };
    const bought = { currency: 'EUR', side: 'buy', symbol: 'FLUX' } as const;
    const sold = { currency: 'USD', side: 'sell', symbol: 'ACME' } as const;
    const large = '123456789012345678901234567.8900';
    const summary = summaryOf(
      [row(null, 7), row({ ...bought, ...day }, 2, '46.2000'), row({ ...sold, ...day }, 3, large)],
      12,
    );
    expect(summary).toEqual({
      groups: [
        { ...bought, from: '2026-01-31T00:00:00.000Z', count: 2, quantity: 20, amount: '46.2000' },
        { ...sold, from: '2026-01-31T00:00:00.000Z', count: 3, quantity: 30, amount: large },
      ],
      total: { count: 5 },
      excludedFilled: 7,
      through: 12,
    });
    expect(SummaryResponseSchema.parse(summary)).toEqual(summary);
  });

  it('omits keys that it is not grouped by', () => {
    const { groups, excludedFilled } = summaryOf([row(EUR, 2)], 2);
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
    expect(summaryOf([row(EUR, 1, sum)], 1).groups[0]?.amount).toBe(amount);
  });

  // Decimal128 has 34 digits: MongoDB rounds a longer sum, which then has fewer than four decimals.
  it.each(['1234567890123456789012345678901.234', '1.2E+40', '0.00001', '1E-7', 'NaN', 'Infinity'])(
    'rejects the sum of amounts %s: it is rounded, or not a sum of amounts',
    (sum) => {
      expect(() => summaryOf([row(EUR, 1, sum)], 1)).toThrow(RangeError);
    },
  );

  it('has no groups if there are no orders', () => {
    expect(summaryOf([], 0)).toEqual({ groups: [], total: { count: 0 }, excludedFilled: 0, through: 0 });
  });

  it('rejects more than 10,000 groups, not counting the excluded orders', () => {
    const rows = Array.from({ length: MAX_GROUPS }, (_, n) => row({ ...EUR, symbol: `S${n}` }, 1));
    expect(summaryOf([row(null, 1), ...rows], 1).groups).toHaveLength(MAX_GROUPS);
    const sum = (): unknown => summaryOf([...rows, row({ currency: 'USD' }, 1)], 1);
    expect(sum).toThrow(Problem);
    expect(sum).toThrow(expect.objectContaining({ code: 'too-many-groups', status: 400 }));
  });
});
