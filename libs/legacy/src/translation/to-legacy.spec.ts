import { describe, expect, it } from '@jest/globals';
import { orderResponse } from '#orders/order/order-response.js';
import { fromResponse } from './api-order.js';
import { comparable } from './comparable.js';
import { BERLIN, ORDER, parsed } from './testing/one-order.js';
import { legacyView, toLegacy, type NewOrder } from './to-legacy.js';

describe('toLegacy', () => {
  it.each<[string, Partial<NewOrder>, string, string, string | undefined]>([
    [
      'an amount whose neighbour is the same float',
      { quantity: 1, price: 5_723_234_381_665_031n, amount: 5_723_234_381_665_031n },
      'not-exact-as-float',
      'price',
      '"572323438166.5031"',
    ],
    [
      'an amount that no float holds',
      { price: 10n ** 18n - 1n, amount: 3n * (10n ** 18n - 1n) },
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
    [
      'a field that an import has filled',
      { legacy: { number: 1, filled: ['amount'] } },
      'filled-field',
      'amount',
      '"562.0500"',
    ],
    ['legacy number 0', { legacy: { number: 0, filled: [] } }, 'out-of-range', 'legacy.number', '0'],
    ['a control character', { symbol: 'A\0' }, 'bad-text', 'symbol', String.raw`"A\u0000"`],
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
