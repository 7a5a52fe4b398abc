import { describe, expect, it } from '@jest/globals';
import { toIntake } from './api-order.js';
import { completeRequest, fromLegacy, fromLegacyRequest } from './from-legacy.js';
import { BERLIN, ID, ORDER, parsed } from './testing/one-order.js';

describe('fromLegacy', () => {
  it('translates floats to exact money, and local time to an instant', () => {
    expect(fromLegacy(parsed(), BERLIN)).toEqual({ order: ORDER });
  });

  it('gives the body of the intake', () => {
    expect(toIntake(ORDER)).toEqual({
      id: ID,
      accountId: 'acc-0000007',
      side: 'buy',
      symbol: 'ACME',
      quantity: 3,
      price: '187.3500',
      currency: 'USD',
      createdAt: '2026-01-31T11:00:00.250Z',
      legacyNumber: 4_711,
    });
  });

  it.each<[string, Record<string, string | undefined>, string, string, string | undefined]>([
    [
      'a float with more than four decimals',
      { price: '0.30000000000000004' },
      'not-a-plain-decimal',
      'price',
      '0.30000000000000004',
    ],
    ['1e308', { price: '1e308' }, 'not-a-plain-decimal', 'price', '1e308'],
    ['10,000 digits', { amount: '9'.repeat(10_000) }, 'not-a-plain-decimal', 'amount', `${'9'.repeat(64)}…`],
    [
      'more digits than a float has',
      { quantity: '1', price: '12345678901234.5678', amount: '12345678901234.5678' },
      'not-exact-as-float',
      'amount',
      '12345678901234.5678',
    ],
    ['money as text', { price: '"187.35"' }, 'wrong-type', 'price', '"187.35"'],
    ['no money', { amount: 'null' }, 'wrong-type', 'amount', 'null'],
    ['an amount that is not quantity x price', { amount: '562.06' }, 'amount-mismatch', 'amount', '562.06'],
    ['a negative price', { price: '-187.35' }, 'out-of-range', 'price', '-187.35'],
    ['a negative quantity', { quantity: '-3' }, 'out-of-range', 'quantity', '-3'],
    ['a broken quantity', { quantity: '3.5' }, 'not-an-integer', 'quantity', '3.5'],
    ['a quantity with an exponent', { quantity: '3e0' }, 'not-an-integer', 'quantity', '3e0'],
    ['number 0', { number: '0' }, 'out-of-range', 'number', '0'],
    ['a number beyond 2^53', { number: '9007199254740993' }, 'unsafe-number', 'number', '9007199254740993'],
    ['an id that is no UUID', { id: '"4711"' }, 'not-a-uuid', 'id', '"4711"'],
    ['a UUID in upper case', { id: `"${ID.toUpperCase()}"` }, 'not-a-uuid', 'id', `"${ID.toUpperCase()}"`],
    ['an unknown field', { note: '"x"' }, 'unknown-field', 'note', '"x"'],
    ['__proto__', { ['__proto__']: '{"a":1}' }, 'unknown-field', '__proto__', '{…}'],
    ['a missing field', { currency: undefined }, 'missing-field', 'currency', undefined],
    ['a long text', { accountId: `"${'x'.repeat(1_000)}"` }, 'bad-text', 'accountId', `"${'x'.repeat(63)}…`],
    ['a side of another case', { side: '"BUY"' }, 'bad-value', 'side', '"BUY"'],
    [
      'an hour that is two',
      { createdAt: '"2026-10-25T02:30:00.000"' },
      'ambiguous-time',
      'createdAt',
      '"2026-10-25T02:30:00.000"',
    ],
    [
      'an hour that is none',
      { createdAt: '"2026-03-29T02:30:00.000"' },
      'nonexistent-time',
      'createdAt',
      '"2026-03-29T02:30:00.000"',
    ],
    [
      'a timestamp with a zone',
      { createdAt: '"2026-01-31T12:00:00.250Z"' },
      'not-a-local-time',
      'createdAt',
      '"2026-01-31T12:00:00.250Z"',
    ],
    [
      'a timestamp without milliseconds',
      { createdAt: '"2026-01-31T12:00:00"' },
      'not-a-local-time',
      'createdAt',
      '"2026-01-31T12:00:00"',
    ],
    ['a timestamp as a number', { createdAt: '1769860800250' }, 'not-a-local-time', 'createdAt', '1769860800250'],
    [
      'a time before 1970',
      { createdAt: '"1970-01-01T00:59:59.999"' },
      'not-a-date',
      'createdAt',
      '"1970-01-01T00:59:59.999"',
    ],
  ])('rejects %s, with its field and value', (_, change, code, field, value) => {
    const reason = { code, field, ...(value !== undefined && { value }), detail: expect.any(String) };
    expect(fromLegacy(parsed(change), BERLIN)).toEqual({ reason });
  });

  it.each([
    ['null', null, 'null'],
    ['a page', [], '[…]'],
    ['a text', '<html>', '"<html>"'],
  ])('rejects %s as a whole', (_, value, shown) => {
    const reason = { code: 'not-an-object', value: shown, detail: 'must be a JSON object' };
    expect(fromLegacy(value, BERLIN)).toEqual({ reason });
  });
});

describe('fromLegacyRequest', () => {
  const assigned = { id: 'an-id', number: 9, createdAt: new Date(5) };

  it('accepts what a client of the legacy system may leave out', () => {
    const body = parsed({ id: undefined, number: undefined, amount: undefined, createdAt: undefined });
    const result = fromLegacyRequest(body, BERLIN);
    if ('reason' in result) throw new Error(result.reason.detail);
    const { id: _id, createdAt: _createdAt, legacy: _legacy, ...content } = ORDER;
    expect(result.request).toEqual(content);
    expect(completeRequest(result.request, assigned)).toEqual({
      ...content,
      id: 'an-id',
      createdAt: new Date(5),
      legacy: { number: 9, filled: [] },
    });
  });

  it('keeps what the client gives', () => {
    const result = fromLegacyRequest(parsed({ createdAt: '"2026-01-31T12:00:00"' }), BERLIN);
    if ('reason' in result) throw new Error(result.reason.detail);
    const createdAt = new Date('2026-01-31T11:00:00Z');
    expect(completeRequest(result.request, assigned)).toEqual({ ...ORDER, createdAt });
  });

  it('rejects the same as in a stored order', () => {
    const ambiguous = parsed({ id: undefined, createdAt: '"2026-10-25T02:30:00"' });
    expect(fromLegacyRequest(ambiguous, BERLIN)).toMatchObject({ reason: { code: 'ambiguous-time' } });
    expect(fromLegacyRequest(parsed({ amount: '1' }), BERLIN)).toMatchObject({ reason: { code: 'amount-mismatch' } });
    expect(fromLegacyRequest(parsed({ symbol: undefined }), BERLIN)).toMatchObject({
      reason: { code: 'missing-field', field: 'symbol' },
    });
  });
});
