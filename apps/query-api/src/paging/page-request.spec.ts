import { describe, expect, it } from '@jest/globals';
import { OrdersQuerySchema, RangeQuerySchema } from './page-request.js';

function invalidFields(schema: typeof OrdersQuerySchema | typeof RangeQuerySchema, given: object): string[] {
  const issues = schema.safeParse(given).error?.issues ?? [];
  const paths = issues.flatMap((issue) =>
    'keys' in issue ? issue.keys.map((key) => [...issue.path, key]) : [issue.path],
  );
  return paths.map(([name, ...inner]) => `${String(name)}${inner.map((part) => `[${String(part)}]`).join('')}`);
}

/** Parses a field such as `number[gte]` into a nested object, as the query parser does. */
function query(field: string, value: unknown): object {
  const [, name, inner] = /^(\w+)\[(.+)\]$/.exec(field) ?? [];
  return name === undefined || inner === undefined ? { [field]: value } : { [name]: { [inner]: value } };
}

describe('the query parameters of a page', () => {
  it('default to a page of 100 orders', () => {
    expect(OrdersQuerySchema.parse({})).toEqual({ pageSize: 100, count: 'none' });
    expect(OrdersQuerySchema.parse({ page: '3', pageSize: '1000' })).toMatchObject({ page: 3, pageSize: 1_000 });
  });

  it.each<[string, unknown]>([
    ['page', '0'],
    ['page', '-1'],
    ['page', '1.5'],
    ['page', '1e3'],
    ['page', ''],
    ['page', ' 1'],
    ['page', '9007199254740992'],
    ['page', ['1', '2']],
    ['page', { gte: '1' }],
    ['pageSize', '0'],
    ['pageSize', '1001'],
    ['pageSize', '100000'],
    ['pageToken', ['a', 'b']],
    ['pageToken', ''],
    ['sortOf', 'number'],
    ['sort', 'price'],
    ['sort', '--number'],
    ['count', 'all'],
    ['accountId', ''],
    ['accountId', 'a'.repeat(65)],
    ['accountId', 'a\u0000b'],
    ['accountId', { $ne: '' }],
    ['accountId', ['a', 'b']],
    ['symbol', '\ud800'],
    ['legacyNumber', '9007199254740993'],
    ['number', '5'],
    ['number[gte]', '-1'],
    ['number[$gt]', '1'],
    ['number[gte]', ['1', '2']],
    ['amount[gte]', '-1'],
    ['amount[gte]', '1e3'],
    ['amount[gte]', '12,50'],
    ['amount[gte]', '0.12345'],
    ['amount[lt]', '1234567890123456789012345678901234567890'],
    ['createdAt[gte]', '2026-01'],
    ['createdAt[gte]', '2026-01-31T12:00:00'],
    ['createdAt[gte]', '2026-02-30T12:00:00Z'],
    ['createdAt[gte]', '+010000-01-01T00:00:00Z'],
    ['createdAt[gte]', '2026-01-31T12:00:00.1234Z'],
    ['createdAt[gte]', '1e20'],
  ])('reject %s = %j and name the field', (field, value) => {
    expect(invalidFields(OrdersQuerySchema, query(field, value))).toEqual([field]);
  });

  it('reject a page number together with a page token', () => {
    expect(invalidFields(OrdersQuerySchema, { page: '1', pageToken: 'x' })).toEqual(['pageToken']);
  });

  it('reject a range whose start is above its end, or with two ends on one side', () => {
    expect(invalidFields(OrdersQuerySchema, { number: { gt: '9', lte: '8' } })).toEqual(['number']);
    expect(invalidFields(OrdersQuerySchema, { number: { gte: '1', gt: '2' } })).toEqual(['number[gt]']);
    expect(invalidFields(OrdersQuerySchema, { amount: { lte: '1', lt: '2' } })).toEqual(['amount[lt]']);
    expect(invalidFields(OrdersQuerySchema, { amount: { gte: '1.5', lte: '1.50' } })).toEqual([]);
  });

  it('accept a range of numbers that begins at 0, the watermark before the first order', () => {
    expect(OrdersQuerySchema.parse({ number: { gt: '0', lte: '0' } })).toMatchObject({ number: { gt: 0, lte: 0 } });
  });

  it.each(['1e6', '9'.repeat(21), '9007199254740993'])('name an end that is no number, %s, once', (end) => {
    expect(invalidFields(RangeQuerySchema, { from: end, to: '5' })).toEqual(['from']);
    expect(invalidFields(OrdersQuerySchema, { number: { gte: end, lte: '5' } })).toEqual(['number[gte]']);
    expect(invalidFields(OrdersQuerySchema, { legacyNumber: { gte: end, lte: '5' } })).toEqual(['legacyNumber[gte]']);
  });

  it.each(['1e6', '9'.repeat(40)])('name an amount that is no decimal, %s, once', (end) => {
    expect(invalidFields(OrdersQuerySchema, { amount: { gte: end, lte: '5' } })).toEqual(['amount[gte]']);
  });

  it('require both ends of a number range, the first not above the last', () => {
    expect(invalidFields(RangeQuerySchema, { from: '1' })).toEqual(['to']);
    expect(invalidFields(RangeQuerySchema, {})).toEqual(['from', 'to']);
    expect(invalidFields(RangeQuerySchema, { from: '9', to: '8' })).toEqual(['from']);
    expect(invalidFields(RangeQuerySchema, { from: '8', to: '8' })).toEqual([]);
  });
});
