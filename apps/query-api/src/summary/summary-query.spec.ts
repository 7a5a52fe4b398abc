import { describe, expect, it } from '@jest/globals';
import { SummaryQuerySchema } from './summary-query.js';

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
