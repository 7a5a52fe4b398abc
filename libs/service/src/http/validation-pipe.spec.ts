import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ArgumentMetadata } from '@nestjs/common';
import { z } from 'zod';
import { bodyInteger, bodyNumber, pageSizeParameter, queryInteger, queryNumber } from './input-numbers.js';
import { explainInput } from './input-texts.js';
import { Problem } from './problem.js';
import { ValidationPipe } from './validation-pipe.js';

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
