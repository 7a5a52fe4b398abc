import { describe, expect, it } from '@jest/globals';
import { BSON } from 'mongodb';
import { v7 as uuidv7 } from 'uuid';
import type { z } from 'zod';
import { Problem } from '#service/http/problem.js';
import { AuditQuerySchema, nextPage, toMongoFilter } from '../audit.controller.js';
import { BatchGetSchema, orderId } from '../orders/order-by-id.js';
import { candidatesOf, type TextField } from './filter-candidates.js';
import { OrdersQuerySchema, RangeQuerySchema } from '../paging/orders-page.js';
import { filterOf, indexInterval, type StartAfter } from './index-interval.js';
import { orderQueryPath, type OrderQuery } from './order-query.js';
import { parseOrderQuery } from './order-query-parameters.js';

const MIN = { $minKey: 1 };
const MAX = { $maxKey: 1 };
const noon = { $date: '2026-01-31T12:00:00Z' };

/** Returns the names of the parameters that a schema rejects, such as `number[gte]`. */
function invalidFields(schema: z.ZodType, given: object): string[] {
  const issues = schema.safeParse(given).error?.issues ?? [];
  const paths = issues.flatMap((issue) =>
    'keys' in issue ? issue.keys.map((key) => [...issue.path, key]) : [issue.path],
  );
  return paths.map(([name, ...inner]) => `${String(name)}${inner.map((part) => `[${String(part)}]`).join('')}`);
}

function messages(schema: z.ZodType, given: unknown): string[] | undefined {
  return schema.safeParse(given).error?.issues.map(({ message }) => message);
}

/** Parses a field such as `number[gte]` into a nested object, as the query parser does. */
function queryOf(field: string, value: unknown): object {
  const [, name, inner] = /^(\w+)\[(.+)\]$/.exec(field) ?? [];
  return name === undefined || inner === undefined ? { [field]: value } : { [name]: { [inner]: value } };
}

function parsed(query: object): OrderQuery {
  return parseOrderQuery(OrdersQuerySchema.parse(query));
}

function interval(query: object, startAfter?: StartAfter): unknown {
  return JSON.parse(BSON.EJSON.stringify(indexInterval(parsed(query), startAfter) ?? null));
}

describe('the parameters of a page', () => {
  it('default to a page of 100 orders', () => {
    expect(OrdersQuerySchema.parse({})).toEqual({ pageSize: 100, count: 'none' });
    expect(OrdersQuerySchema.parse({ page: '3', pageSize: '1000' })).toMatchObject({ page: 3, pageSize: 1_000 });
  });

  it.each<[string, unknown[]]>([
    ['page', ['0', '-1', '1.5', '1e3', '', ' 1', '9007199254740992', ['1', '2'], { gte: '1' }]],
    ['pageSize', ['0', '1001', '100000']],
    ['pageToken', [['a', 'b'], '']],
    ['sortOf', ['number']],
    ['sort', ['price', '--number']],
    ['count', ['all']],
    ['accountId', ['', 'a'.repeat(65), 'a\u0000b', { $ne: '' }, ['a', 'b']]],
    ['symbol', ['\ud800']],
    ['legacyNumber', ['9007199254740993']],
    ['number', ['5']],
    ['number[$gt]', ['1']],
    ['number[gte]', ['-1', ['1', '2']]],
    ['amount[gte]', ['-1', '1e3', '12,50', '0.12345']],
    ['amount[lt]', ['1234567890123456789012345678901234567890']],
    ['createdAt[gte]', ['2026-01', '2026-01-31T12:00:00', '2026-02-30T12:00:00Z', '2026-01-31T12:00:00.1234Z', '1e20']],
    ['createdAt[gte]', ['+010000-01-01T00:00:00Z']],
  ])('reject wrong values of %s, and name it: %j', (field, values) => {
    for (const value of values)
      expect([value, invalidFields(OrdersQuerySchema, queryOf(field, value))]).toEqual([value, [field]]);
  });

  it.each<[string, object, string[]]>([
    ['a page number together with a page token', { page: '1', pageToken: 'x' }, ['pageToken']],
    ['a range whose start is above its end', { number: { gt: '9', lte: '8' } }, ['number']],
    ['two starts of a range', { number: { gte: '1', gt: '2' } }, ['number[gt]']],
    ['two ends of a range', { amount: { lte: '1', lt: '2' } }, ['amount[lt]']],
    ['nothing of a range of one amount', { amount: { gte: '1.5', lte: '1.50' } }, []],
  ])('reject %s', (_, given, fields) => {
    expect(invalidFields(OrdersQuerySchema, given)).toEqual(fields);
  });

  it.each<[object, string[]]>([
    [{ from: '1' }, ['to']],
    [{}, ['from', 'to']],
    [{ from: '9', to: '8' }, ['from']],
    [{ from: '8', to: '8' }, []],
  ])('require both ends of a number range, the first not above the last: %j', (given, fields) => {
    expect(invalidFields(RangeQuerySchema, given)).toEqual(fields);
  });

  it('accept a range of numbers that begins at 0, the watermark before the first order', () => {
    expect(OrdersQuerySchema.parse({ number: { gt: '0', lte: '0' } })).toMatchObject({ number: { gt: 0, lte: 0 } });
  });

  it.each(['1e6', '9'.repeat(21), '9'.repeat(40), '9007199254740993'])(
    'name an end that is no number, %s, once',
    (end) => {
      expect(invalidFields(RangeQuerySchema, { from: end, to: '5' })).toEqual(['from']);
      for (const field of ['number', 'legacyNumber'])
        expect(invalidFields(OrdersQuerySchema, { [field]: { gte: end, lte: '5' } })).toEqual([`${field}[gte]`]);
    },
  );

  it.each(['1e6', '9'.repeat(40)])('name an amount that is no decimal, %s, once', (end) => {
    expect(invalidFields(OrdersQuerySchema, { amount: { gte: end, lte: '5' } })).toEqual(['amount[gte]']);
  });
});

describe('the parameters of an order query', () => {
  it('default to all orders, sorted by number', () => {
    expect(parsed({})).toEqual({ equality: undefined, range: {}, sort: { field: 'number', descending: false } });
  });

  it.each<[object, string]>([
    [{}, ''],
    [{ sort: 'number' }, ''],
    [{ sort: '-number' }, 'sort=-number&'],
    [{ sort: 'amount' }, 'sort=amount&'],
    [{ number: { gt: '7', lte: '9' } }, 'number[gt]=7&number[lte]=9&'],
    [{ amount: { gte: '12.5' } }, 'amount[gte]=12.5000&sort=amount&'],
    [
      { createdAt: { lt: '2026-01-31T14:00:00+02:00' }, sort: '-createdAt' },
      'createdAt[lt]=2026-01-31T12%3A00%3A00.000Z&sort=-createdAt&',
    ],
    [{ accountId: 'a&b=c' }, 'accountId=a%26b%3Dc&'],
    [{ accountId: 'a', sort: 'createdAt' }, 'accountId=a&'],
    [{ symbol: 'ACME', sort: '-createdAt' }, 'symbol=ACME&sort=-createdAt&'],
    [{ legacyNumber: '12' }, 'legacyNumber=12&'],
    [{ sort: '-legacyNumber' }, 'sort=-legacyNumber&'],
    [{ legacyNumber: { gte: '3', lt: '9' } }, 'legacyNumber[gte]=3&legacyNumber[lt]=9&sort=legacyNumber&'],
    [{ legacyNumber: '12', number: { gte: '3' } }, 'legacyNumber=12&number[gte]=3&'],
  ])('%j has one canonical path', (query, path) => {
    expect(orderQueryPath(parsed(query))).toBe(`/v1/orders?${path}`);
  });

  it.each([
    ['createdAt', '2026-01-31', 'must be a range, such as createdAt[gte]=2026-01-31&createdAt[lte]=2026-01-31'],
    ['number', '5', 'must be a range, such as number[gte]=5&number[lte]=5'],
    ['amount', 'much', 'must be a range, such as amount[gte]='],
    [
      'legacyNumber',
      '99999999999999999999',
      'must be an integer from 0 to 9,007,199,254,740,991, or a range such as legacyNumber[gte]=',
    ],
  ])('%s=%s is rejected with the range to send instead', (field, value, message) => {
    const { error } = OrdersQuerySchema.safeParse({ [field]: value });
    expect(error?.issues).toMatchObject([{ path: [field], message }]);
  });

  it.each<[object, string]>([
    [{ accountId: 'a', symbol: 'ACME' }, 'accountId and symbol can not be combined.'],
    [{ symbol: 'ACME', legacyNumber: '1' }, 'symbol and legacyNumber can not be combined.'],
    [{ accountId: 'a', sort: 'number' }, 'Orders of one accountId can not be sorted by number.'],
    [{ accountId: 'a', sort: '-amount' }, 'Orders of one accountId can not be sorted by amount.'],
    [{ accountId: 'a', number: { gte: '1' } }, 'Orders of one accountId can not be sorted by number.'],
    [{ legacyNumber: '1', sort: 'createdAt' }, 'Orders of one legacyNumber can not be sorted by createdAt.'],
    [{ amount: { gte: '1' }, sort: 'number' }, 'A range of amount can not be sorted by number.'],
    [{ legacyNumber: { gte: '1' }, sort: 'number' }, 'A range of legacyNumber can not be sorted by number.'],
    [{ legacyNumber: { gte: '1' }, number: { lt: '9' } }, 'Ranges of number and legacyNumber can not be combined.'],
    [{ accountId: 'a', legacyNumber: { gte: '1' } }, 'Orders of one accountId can not be sorted by legacyNumber.'],
    [{ amount: { gte: '1' }, number: { lt: '9' } }, 'Ranges of number and amount can not be combined.'],
  ])('%j is rejected with the list of supported combinations', (query, reason) => {
    const supported = { filter: ['accountId'], range: 'createdAt', sort: ['createdAt', '-createdAt'] };
    const rejected = expect.objectContaining({
      code: 'unsupported-combination',
      detail: expect.stringContaining(reason),
      extensions: expect.objectContaining({ supported: expect.arrayContaining([supported]) }),
    });
    expect(() => parsed(query)).toThrow(rejected);
    expect(() => parsed(query)).toThrow(Problem);
  });
});

describe('the index interval of an order query', () => {
  it.each<[object, string, object, object]>([
    [{}, 'number', { number: MIN }, { number: MAX }],
    [{ sort: '-amount' }, 'amount_number', { amount: MIN, number: MIN }, { amount: MAX, number: MAX }],
    [
      { symbol: 'ACME' },
      'symbol_createdAt_number',
      { symbol: 'ACME', createdAt: MIN, number: MIN },
      { symbol: 'ACME', createdAt: MAX, number: MAX },
    ],
  ])('of %j, without bounds, is the whole index %s', (query, index, min, max) => {
    expect(interval(query)).toEqual({ index, min, max });
  });

  it.each<[object, object]>([
    [{ number: { gte: '5', lte: '9' } }, { min: { number: 5 }, max: { number: 10 } }],
    [{ number: { gt: '5', lt: '9' } }, { min: { number: 6 }, max: { number: 9 } }],
    [
      { createdAt: { gte: noon.$date, lte: noon.$date } },
      { min: { createdAt: noon, number: MIN }, max: { createdAt: noon, number: MAX } },
    ],
    [{ amount: { gt: '1.5' } }, { min: { amount: { $numberDecimal: '1.5000' }, number: MAX } }],
    [{ amount: { lt: '1.5' } }, { max: { amount: { $numberDecimal: '1.5000' }, number: MIN } }],
  ])('includes or excludes the ends of the range %j', (query, ends) => {
    expect(interval(query)).toMatchObject(ends);
  });

  it.each<[object, StartAfter['position'], 1 | -1, object, object]>([
    [
      { accountId: 'a' },
      { value: new Date(noon.$date), number: 7 },
      1,
      { accountId: 'a', createdAt: noon, number: 8 },
      { accountId: 'a', createdAt: MAX, number: MAX },
    ],
    [
      { accountId: 'a' },
      { value: new Date(noon.$date), number: 7 },
      -1,
      { accountId: 'a', createdAt: MIN, number: MIN },
      { accountId: 'a', createdAt: noon, number: 7 },
    ],
    [
      { legacyNumber: '3' },
      { value: 7, number: 7 },
      1,
      { 'legacy.number': 3, number: 8 },
      { 'legacy.number': 3, number: MAX },
    ],
  ])('of %j continues after the order %j in the direction %d', (query, position, direction, min, max) => {
    expect(interval(query, { position, direction })).toEqual({ index: expect.any(String), min, max });
  });

  it.each<[object, StartAfter | undefined]>([
    [{ number: { gt: '5', lt: '6' } }, undefined],
    [{ amount: { gt: '5', lt: '5' } }, undefined],
    [{ amount: { gte: '5', lt: '5' } }, undefined],
    [{ number: { lte: '9' } }, { position: { value: 9, number: 9 }, direction: 1 }],
    [{ number: { gte: '5' } }, { position: { value: 5, number: 5 }, direction: -1 }],
  ])('is undefined if the range is empty: %j after %j', (query, startAfter) => {
    expect(interval(query, startAfter)).toBeNull();
  });
});

describe('an order query as a filter', () => {
  it.each<[object, object]>([
    [{}, {}],
    [{ legacyNumber: '3' }, { 'legacy.number': 3 }],
    [
      { symbol: 'ACME', createdAt: { gt: noon.$date } },
      { symbol: 'ACME', createdAt: { $gt: noon } },
    ],
    [
      { amount: { gte: '1', lte: '2' } },
      { amount: { $gte: { $numberDecimal: '1.0000' }, $lte: { $numberDecimal: '2.0000' } } },
    ],
  ])('%j has the same bounds', (query, filter) => {
    expect(JSON.parse(BSON.EJSON.stringify(filterOf(parsed(query))))).toEqual(filter);
  });
});

describe('the spellings of a text filter', () => {
  it.each<[TextField, string, readonly string[]]>([
    ['symbol', 'ACME', ['ACME']],
    ['symbol', 'acme', ['acme', 'ACME']],
    ['symbol', ' acme ', [' acme ', 'acme', 'ACME']],
    ['symbol', ' ', [' ']],
    ['accountId', 'acc-7', ['acc-7']],
    ['accountId', ' Acc-7 ', [' Acc-7 ', 'Acc-7']],
  ])('%s %j: %j', (field, typed, spellings) => {
    expect(candidatesOf(field, typed)).toEqual(spellings);
  });
});

describe('the id of an order', () => {
  it('is a UUID, also in upper case', () => {
    expect(orderId.parse('970844C7-0D33-82A3-BA87-000000001266')).toBe('970844c7-0d33-82a3-ba87-000000001266');
  });

  it.each([undefined, '', 'acc-1', '0', '1e6', '123a'])('is not %j', (id) => {
    expect(messages(orderId, id)).toEqual(['must be a UUID']);
  });

  it('is not the order’s number: the message names the request that finds it', () => {
    const hint = 'must be a UUID (/v1/orders/range?from=123&to=123 has the order of a number)';
    expect([messages(orderId, '123'), messages(BatchGetSchema, { ids: [123] })]).toEqual([[hint], [hint]]);
  });
});

describe('a query of the audit', () => {
  const BEFORE = '01990000-0000-7000-8000-000000000000';

  it.each<[object, object]>([
    [{}, {}],
    [
      { subject: 'ada', action: 'populate', outcome: 'refused' },
      { subject: 'ada', action: 'populate', outcome: 'refused' },
    ],
    [{ before: BEFORE, to: '2026-01-31' }, { _id: { $lt: BEFORE } }],
    [{ before: BEFORE.toUpperCase(), from: '2020-01-01' }, { _id: { $lt: BEFORE, $gte: expect.any(String) } }],
  ])('%j is a filter of who, what, outcome and time: %j', (query, filter) => {
    expect(toMongoFilter(AuditQuerySchema.parse(query))).toEqual(filter);
  });

  it('returns at most 1,000 events a page', () => {
    expect(AuditQuerySchema.parse({}).pageSize).toBe(100);
    for (const given of [{ pageSize: '1001' }, { who: 'ada' }])
      expect(invalidFields(AuditQuerySchema, given)).toEqual(Object.keys(given));
  });

  it('finds the events of a range of time by their ids', () => {
    const query = AuditQuerySchema.parse({ from: '2026-01-31', to: '2026-01-31' });
    const { _id } = toMongoFilter(query) as { _id: { $gte: string; $lt: string } };
    const isIn = (at: string): boolean => {
      const id = uuidv7({ msecs: Date.parse(at) });
      return id >= _id.$gte && id < _id.$lt;
    };
    expect(['2026-01-31T00:00:00.000Z', '2026-01-31T23:59:59.999Z'].map(isIn)).toEqual([true, true]);
    expect(['2026-01-30T23:59:59.999Z', '2026-02-01T00:00:00.000Z'].map(isIn)).toEqual([false, false]);
  });

  it('has a next page with the same filters', () => {
    const given = { to: '2026-01-31', outcome: 'done', pageSize: '2', before: 'a' };
    expect(nextPage(given, 'b')).toBe('/v1/audit?to=2026-01-31&outcome=done&pageSize=2&before=b');
  });
});
