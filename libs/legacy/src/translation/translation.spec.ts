import { describe, expect, it } from '@jest/globals';
import { orderResponse } from '#orders/order/order-response.js';
import { aLegacyOrder } from '#orders/testing/an-order.js';
import { parseStrictJson, comparable } from '../json/strict-json.js';
import { fromResponse, toOrderBody } from './api-order.js';
import { completeRequest, fromLegacy, fromLegacyRequest } from './from-legacy.js';
import { LegacyTimeZone } from './legacy-time-zone.js';
import { legacyView, toLegacy, type TargetOrder } from './to-legacy.js';

const BERLIN = new LegacyTimeZone('Europe/Berlin');
const ORDER = aLegacyOrder({ number: 4_711 });
/** The record of `ORDER`, as JSON texts. */
const RECORD = {
  id: JSON.stringify(ORDER.id),
  number: '4711',
  accountId: '"acc-1"',
  side: '"buy"',
  symbol: '"ACME"',
  quantity: '3',
  price: '187.35',
  amount: '562.05',
  currency: '"EUR"',
  createdAt: '"2026-01-31T12:00:00.250"',
};

/** Parses the record of `ORDER`, with other JSON texts for some of its fields; without those that are `undefined`. */
function parsed(change: Record<string, string | undefined> = {}): unknown {
  const fields = Object.entries({ ...RECORD, ...change }).filter(([, text]) => text !== undefined);
  const result = parseStrictJson(`{${fields.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join()}}`);
  if ('fault' in result) throw new Error(result.fault.detail);
  return result.value;
}

describe('fromLegacy', () => {
  it('translates floats to exact money, and local time to an instant', () => {
    expect(fromLegacy(parsed(), BERLIN)).toEqual({ order: ORDER });
  });

  it('gives the body of `POST /v1/orders`', () => {
    expect(toOrderBody(ORDER)).toEqual({
      id: ORDER.id,
      accountId: 'acc-1',
      side: 'buy',
      symbol: 'ACME',
      quantity: 3,
      price: '187.3500',
      currency: 'EUR',
      createdAt: '2026-01-31T11:00:00.250Z',
      legacyNumber: 4_711,
    });
  });

  it.each<[string, Record<string, string | undefined>, string, string, string?]>([
    ['a float with more than four decimals', { price: '0.30000000000000004' }, 'not-a-plain-decimal', 'price'],
    ['1e308', { price: '1e308' }, 'not-a-plain-decimal', 'price'],
    ['10,000 digits', { amount: '9'.repeat(10_000) }, 'not-a-plain-decimal', 'amount', `${'9'.repeat(64)}…`],
    [
      'more digits than a float has',
      { quantity: '1', price: '12345678901234.5678', amount: '12345678901234.5678' },
      'not-exact-as-float',
      'amount',
    ],
    ['money as text', { price: '"187.35"' }, 'wrong-type', 'price'],
    ['no money', { amount: 'null' }, 'wrong-type', 'amount'],
    ['an amount that is not quantity x price', { amount: '562.06' }, 'amount-mismatch', 'amount'],
    ['a negative price', { price: '-187.35' }, 'out-of-range', 'price'],
    ['a negative quantity', { quantity: '-3' }, 'out-of-range', 'quantity'],
    ['a quantity with a fraction', { quantity: '3.5' }, 'not-an-integer', 'quantity'],
    ['a quantity with an exponent', { quantity: '3e0' }, 'not-an-integer', 'quantity'],
    ['number 0', { number: '0' }, 'out-of-range', 'number'],
    ['a number beyond 2^53', { number: '9007199254740993' }, 'unsafe-number', 'number'],
    ['an id that is no UUID', { id: '"4711"' }, 'not-a-uuid', 'id'],
    ['a UUID in upper case', { id: '"01935C9E-8A00-4000-8000-00000000000A"' }, 'not-a-uuid', 'id'],
    ['an unknown field', { note: '"x"' }, 'unknown-field', 'note'],
    ['__proto__', { ['__proto__']: '{"a":1}' }, 'unknown-field', '__proto__', '{…}'],
    ['a missing field', { currency: undefined }, 'missing-field', 'currency'],
    ['a long text', { accountId: `"${'x'.repeat(1_000)}"` }, 'bad-text', 'accountId', `"${'x'.repeat(63)}…`],
    ['a side of another case', { side: '"BUY"' }, 'bad-value', 'side'],
    ['an hour that is two', { createdAt: '"2026-10-25T02:30:00.000"' }, 'ambiguous-time', 'createdAt'],
    ['an hour that is none', { createdAt: '"2026-03-29T02:30:00.000"' }, 'nonexistent-time', 'createdAt'],
    ['a timestamp with a zone', { createdAt: '"2026-01-31T12:00:00.250Z"' }, 'not-a-local-time', 'createdAt'],
    ['a timestamp without milliseconds', { createdAt: '"2026-01-31T12:00:00"' }, 'not-a-local-time', 'createdAt'],
    ['a timestamp as a number', { createdAt: '1769860800250' }, 'not-a-local-time', 'createdAt'],
    ['a time before 1970', { createdAt: '"1970-01-01T00:59:59.999"' }, 'not-a-date', 'createdAt'],
  ])('rejects %s, with its field and the value as it came', (_, change, code, field, value = change[field]) => {
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

describe('toLegacy', () => {
  const tooLarge = 10n ** 18n - 1n;
  const inexact = 5_723_234_381_665_031n;
  const filled = { number: 1, filled: ['amount'] };

  it.each<[string, Partial<TargetOrder>, string, string, string]>([
    [
      'an amount whose neighbour is the same float',
      { quantity: 1, price: inexact, amount: inexact },
      'not-exact-as-float',
      'price',
      '"572323438166.5031"',
    ],
    [
      'an amount that no float holds',
      { price: tooLarge, amount: 3n * tooLarge },
      'not-exact-as-float',
      'price',
      '"99999999999999.9999"',
    ],
    [
      'an hour that is two on local clocks',
      { createdAt: new Date('2026-10-25T00:30:00Z') },
      'ambiguous-time',
      'createdAt',
      '"2026-10-25T00:30:00.000Z"',
    ],
    ['a field that an import has filled', { legacy: filled }, 'filled-field', 'amount', '"562.0500"'],
    ['legacy number 0', { legacy: { number: 0, filled: [] } }, 'out-of-range', 'legacy.number', '0'],
    ['a control character', { symbol: 'A\0' }, 'bad-text', 'symbol', String.raw`"A\u0000"`],
    ['a control character in the account', { accountId: 'a\0' }, 'bad-text', 'accountId', String.raw`"a\u0000"`],
  ])('rejects %s', (_, change, code, field, value) => {
    expect(toLegacy({ ...ORDER, ...change }, BERLIN)).toEqual({
      reason: { code, field, value, detail: expect.any(String) },
    });
  });

  it('rejects an order that is not from the legacy system', () => {
    const { legacy: _, ...order } = ORDER;
    expect(toLegacy(order, BERLIN)).toMatchObject({ reason: { code: 'missing-field', field: 'legacy.number' } });
  });
});

describe('the comparison of answers', () => {
  it('finds an order equal to its own record, however its floats are written', () => {
    const answer = comparable(parsed({ price: '187.3500', quantity: '3' }));
    expect(answer).toEqual(legacyView(ORDER, BERLIN));
  });

  it.each([
    ['price', '187.3500000001'],
    ['number', '4711.5'],
    ['quantity', '"3"'],
    ['createdAt', '"2026-01-31T11:00:00.250"'],
  ])('finds another %s', (field, text) => {
    expect(comparable(parsed({ [field]: text }))).not.toEqual(legacyView(ORDER, BERLIN));
  });

  it('never takes two large numbers for equal because a float rounds them', () => {
    expect(comparable(parsed({ number: '9007199254740993' }))).toMatchObject({ number: '9007199254740993' });
    expect(comparable(parsed({ price: '1e400' }))).toMatchObject({ price: '1e400' });
  });

  it('expects null for an order without a legacy number, and no field that an import has filled', () => {
    const { legacy: _, ...order } = ORDER;
    expect(legacyView(order, BERLIN)).toBeNull();
    const filled = { number: 4_711, filled: ['amount', 'createdAt'] };
    const { amount: _amount, createdAt: _createdAt, ...rest } = comparable(parsed()) as Record<string, unknown>;
    expect(legacyView({ ...order, legacy: filled }, BERLIN)).toEqual(rest);
  });

  it('has a result where an exact translation has none', () => {
    const order = { ...ORDER, price: 10n ** 18n - 1n, createdAt: new Date('2026-10-25T00:30:00Z') };
    expect(legacyView(order, BERLIN)).toMatchObject({ price: 1e14, createdAt: '2026-10-25T02:30:00.000' });
  });
});

describe('fromResponse', () => {
  const answer = orderResponse({ ...ORDER, number: 5 });

  it('reads an order of the query API', () => {
    expect(fromResponse(answer)).toEqual({ order: { ...ORDER, number: 5 } });
  });

  it.each<[string, object, string, string]>([
    ['money as a float', { price: 187.35 }, 'bad-value', 'price'],
    ['an unknown field', { note: 1 }, 'bad-value', ''],
    ['another amount', { amount: '562.0600' }, 'bad-value', 'amount'],
    ['too many digits', { price: `${'9'.repeat(30)}.0000` }, 'not-a-plain-decimal', 'price'],
    ['a legacy number as text', { legacy: { number: '1', filled: [] } }, 'bad-value', 'legacy.number'],
  ])('rejects %s', (_, change, code, field) => {
    expect(fromResponse({ ...answer, ...change })).toMatchObject({ reason: { code, ...(field && { field }) } });
  });
});
