import { describe, expect, it, beforeAll } from '@jest/globals';
import type { ArgumentMetadata } from '@nestjs/common';
import { z } from 'zod';
import {
  isWellEncoded,
  parseQuery,
  explainMoment,
  parseMoment,
  bodyInteger,
  bodyNumber,
  pageSizeParameter,
  queryInteger,
  queryNumber,
  explainInput,
  ValidationPipe,
} from './request-input.js';
import { Problem } from './problem.js';

/** Parses to plain objects, since the parsed parameters have no prototype. */
function parsed(query: string): unknown {
  return JSON.parse(JSON.stringify(parseQuery(query)));
}

describe('query string', () => {
  it.each<[string, unknown]>([
    ['', {}],
    ['&&', {}],
    ['page=1&pageSize=10', { page: '1', pageSize: '10' }],
    ['symbol=A+B%20C', { symbol: 'A B C' }],
    ['a', { a: '' }],
    ['a=b=c', { a: 'b=c' }],
    ['number[gte]=1&number[lt]=9', { number: { gte: '1', lt: '9' } }],
    ['number%5Bgte%5D=1', { number: { gte: '1' } }],
  ])('%s is parsed to %j', (query, parameters) => {
    expect(parsed(query)).toEqual(parameters);
  });

  it('gives all values of a repeated parameter, so that none is dropped', () => {
    expect(parsed('page=1&page=2&page=3')).toEqual({ page: ['1', '2', '3'] });
    expect(parsed('number[gte]=1&number[gte]=2')).toEqual({ number: { gte: ['1', '2'] } });
    expect(parsed('number=1&number[gte]=2')).toEqual({ number: ['1', '2'] });
    expect(parsed('number[gte]=2&number=1')).toEqual({ number: [{ gte: '2' }, '1'] });
  });

  it('keeps every name and treats none specially', () => {
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'a[b][c]', 'a[]', '[a]', 'a]b[']) {
      const parameters = parseQuery(`${encodeURIComponent(name)}=x`);
      expect(Object.keys(parameters)).toEqual([name]);
      expect(parameters[name]).toBe('x');
    }
    expect(Object.keys(parseQuery('a[__proto__]=x')['a'] as object)).toEqual(['__proto__']);
    expect({}).not.toHaveProperty('x');
  });

  it('is well encoded only as percent-encoded UTF-8', () => {
    for (const bad of ['a=%ff', '%c0%af=1', 'a=%', 'a=%zz', 'a=1&b=%e2%82']) expect(isWellEncoded(bad)).toBe(false);
    for (const good of ['', 'a=%E2%82%AC', 'a[b]=1&c=+', 'a=%00']) expect(isWellEncoded(good)).toBe(true);
  });
});

describe('a moment', () => {
  it.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z', '2026-01-31T23:59:59.999Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z', '2024-02-29T23:59:59.999Z'],
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.123+02:00', '2026-01-31T10:00:00.123Z', '2026-01-31T10:00:00.123Z'],
  ])('%s is a day in UTC, or one millisecond', (text, first, last) => {
    expect([parseMoment(text, 'first')?.toISOString(), parseMoment(text, 'last')?.toISOString()]).toEqual([
      first,
      last,
    ]);
  });

  it.each([
    ['a half-typed date', '2026-01'],
    ['a half-typed time', '2026-01-31T12'],
    ['no time zone', '2026-01-31T12:00:00'],
    ['a day that does not exist', '2026-02-30'],
    ['fractions of a millisecond', '2026-01-31T12:00:00.0001Z'],
    ['another order of day and month', '31.01.2026'],
    ['a year of five digits', '10000-01-01T00:00:00Z'],
    ['a pasted space', ' 2026-01-31'],
    ['nothing', ''],
  ])('is not %s: %j', (_, text) => {
    expect(parseMoment(text, 'first')).toBeUndefined();
  });

  it.each(['2026-02-30', '2026-13-01', '2026-02-30T12:00:00Z'])('is not %s: the calendar has no such day', (text) => {
    expect(parseMoment(text, 'first')).toBeUndefined();
    expect(explainMoment(text)).toBe('must be a day of the calendar');
  });

  it.each(['2026-01', '2026-01-31T12:00:00', '2026-01-31T25:00:00Z'])(
    'is not %s: the text has another form',
    (text) => {
      expect(explainMoment(text)).toMatch(/^must be a date such as 2026-01-31 /);
    },
  );
});

const QUERY = z.strictObject({
  pageSize: pageSizeParameter('Orders', { maximum: 1_000, byDefault: 100 }),
  rate: queryNumber(0.1, 100).optional(),
  count: z.enum(['none', 'exact']).default('none'),
  number: queryInteger(1, Number.MAX_SAFE_INTEGER).optional(),
  name: z.string().max(3).optional(),
});
const BODY = z
  .strictObject({
    count: bodyInteger(1, 10_000_000),
    rate: bodyNumber(0.1, 5).optional(),
    ids: z.array(z.string()).min(1).optional(),
    dryRun: z.boolean().optional(),
    all: z.literal(true).optional(),
  })
  .refine(({ rate, dryRun }) => rate === undefined || dryRun !== true, {
    path: ['ids'],
    message: 'must be given with `rate` and `dryRun`',
  });

async function problemOf(value: unknown, type: 'query' | 'body'): Promise<Problem> {
  const metadata: ArgumentMetadata = { type, schema: type === 'query' ? QUERY : BODY };
  const error = await new ValidationPipe().transform(value, metadata).catch((thrown: unknown) => thrown);
  if (error instanceof Problem) return error;
  throw new Error(`it was not rejected: ${JSON.stringify(error)}`);
}

describe('the problem of an invalid request', () => {
  beforeAll(() => explainInput());

  it.each<[object, string]>([
    [{ pageSize: '' }, 'pageSize must be an integer from 1 to 1,000, in digits only, got "".'],
    [{ pageSize: '-1' }, 'pageSize must be an integer from 1 to 1,000, in digits only, got "-1".'],
    [{ pageSize: '1e6' }, 'pageSize must be an integer from 1 to 1,000, in digits only, got "1e6".'],
    [{ pageSize: '100,000' }, 'pageSize must be an integer from 1 to 1,000, in digits only, got "100,000".'],
    [{ pageSize: ' 5 ' }, 'pageSize must be an integer from 1 to 1,000, in digits only, got " 5 ".'],
    [{ pageSize: '1001' }, 'pageSize must be an integer from 1 to 1,000, in digits only, got "1001".'],
    [{ pageSize: ['1', '2'] }, 'pageSize must be given once.'],
    [{ rate: '0.05' }, 'rate must be a number from 0.1 to 100, got "0.05".'],
    [{ count: 'all' }, 'count must be one of none, exact, got "all".'],
    [{ number: '0' }, 'number must be an integer of at least 1, in digits only, got "0".'],
    [
      { number: '9007199254740992' },
      'number must be an integer from 1 to 9,007,199,254,740,991, in digits only, got "9007199254740992".',
    ],
    [{ name: 'abcd' }, 'name must have at most 3 characters, got "abcd".'],
    [{ colour: 'red' }, 'colour is unknown; allowed: pageSize, rate, count, number, name.'],
  ])('of the query %j is: %s', async (query, detail) => {
    expect(await problemOf(query, 'query')).toMatchObject({ code: 'invalid-request', detail });
  });

  it.each<[unknown, string]>([
    [{}, 'count is required, and must be an integer from 1 to 10,000,000.'],
    [{ count: 0 }, 'count must be an integer from 1 to 10,000,000, got 0.'],
    [{ count: 1.5 }, 'count must be an integer from 1 to 10,000,000, got 1.5.'],
    [{ count: '100,000' }, 'count must be an integer from 1 to 10,000,000, got "100,000".'],
    [{ count: null }, 'count must be an integer from 1 to 10,000,000, got null.'],
    [{ count: 1, rate: 9 }, 'rate must be a number from 0.1 to 5, got 9.'],
    [{ count: 1, ids: [] }, 'ids must have at least 1 item.'],
    [{ count: 1, ids: 'x' }, 'ids must be a list, got "x".'],
    [{ count: 1, dryRun: 'yes' }, 'dryRun must be true or false, got "yes".'],
    [{ count: 1, all: false }, 'all must be true, got false.'],
    [[1], 'body must be an object.'],
    [{ count: 1, name: 'x' }, 'name is unknown; allowed: count, rate, ids, dryRun, all.'],
    [{ count: 1, rate: 1, dryRun: true }, 'ids must be given with `rate` and `dryRun`.'],
    [undefined, 'body is empty; this route needs a JSON body, see /docs.'],
    [{ count: 'x'.repeat(100) }, `count must be an integer from 1 to 10,000,000, got "${'x'.repeat(59)}….`],
  ])('of the body %j is: %s', async (body, detail) => {
    expect(await problemOf(body, 'body')).toMatchObject({ code: 'invalid-request', detail });
  });

  it('explains three fields, and counts the others', async () => {
    const { detail, extensions } = await problemOf({ count: 0, rate: 0, dryRun: 1, all: 2 }, 'body');
    expect(detail).toMatch(/^count [^.]+0\. rate .+, got 0\. dryRun [^.]+\. 1 more: see `errors`\.$/);
    expect(extensions.errors).toHaveLength(4);
  });
});
