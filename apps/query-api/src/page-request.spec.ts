import { describe, expect, it } from '@jest/globals';
import { OrdersQuerySchema, RangeQuerySchema } from './page-request.js';

function refused(schema: typeof OrdersQuerySchema | typeof RangeQuerySchema, query: object): string[] {
  const issues = schema.safeParse(query).error?.issues ?? [];
  return issues.flatMap((issue) => ('keys' in issue ? issue.keys : [issue.path.join('.')]));
}

describe('the query of a page', () => {
  it('is a page of 100 unless said otherwise', () => {
    expect(OrdersQuerySchema.parse({})).toEqual({ pageSize: 100 });
    expect(OrdersQuerySchema.parse({ page: '3', pageSize: '1000' })).toEqual({ page: 3, pageSize: 1_000 });
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
  ])('refuses %s = %j by its name', (field, value) => {
    expect(refused(OrdersQuerySchema, { [field]: value })).toEqual([field]);
  });

  it('refuses a page together with a token', () => {
    expect(refused(OrdersQuerySchema, { page: '1', pageToken: 'x' })).toEqual(['pageToken']);
  });

  it('needs both ends of a range, the first not above the last', () => {
    expect(refused(RangeQuerySchema, { from: '1' })).toEqual(['to']);
    expect(refused(RangeQuerySchema, {})).toEqual(['from', 'to']);
    expect(refused(RangeQuerySchema, { from: '9', to: '8' })).toEqual(['from']);
    expect(refused(RangeQuerySchema, { from: '8', to: '8' })).toEqual([]);
  });
});
