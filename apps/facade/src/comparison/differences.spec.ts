import { describe, expect, it } from '@jest/globals';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { aLegacyRecord, anOrderResponse } from '#orders/testing/an-order.js';
import { differencesOf, isMissingOrder } from './differences.js';

/** An order as the legacy system answers it, and as the query API answers it. */
const ORDER = aLegacyRecord({ number: 7 });
const RESPONSE = anOrderResponse({ id: ORDER.id, legacy: { number: 7, filled: [] } });
const ZONE = new LegacyTimeZone('UTC');
const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const given = (value: unknown, contentType = 'application/json') => ({ status: 200, contentType, bytes: bytes(value) });
const page = (...items: unknown[]) => ({ bodies: [bytes({ items, page: {} })] });

function ofOne(legacy: unknown, response: unknown) {
  const bodies = response === null ? [] : [bytes(response)];
  return differencesOf({ form: 'order', legacy: given(legacy), new: { bodies } }, ZONE);
}

describe('the comparison of two answers', () => {
  it('finds no difference between an order and its translation', () => {
    expect(ofOne(ORDER, RESPONSE)).toEqual([]);
    expect(ofOne('null', null)).toEqual([]);
    expect(differencesOf({ form: 'page', legacy: given([ORDER]), new: page(RESPONSE) }, ZONE)).toEqual([]);
    expect(differencesOf({ form: 'page', legacy: given([ORDER]), new: given([ORDER]) }, ZONE)).toEqual([]);
  });

  it('needs no equal text, only equal content: another order of fields and another notation of a number', () => {
    const text = JSON.stringify({ ...ORDER, price: 0, id: ORDER.id }, null, 2).replace(
      '"price": 0',
      '"price": 187.350',
    );
    expect(ofOne(text, RESPONSE)).toEqual([]);
    expect(ofOne(JSON.stringify(Object.fromEntries(Object.entries(ORDER).toReversed())), RESPONSE)).toEqual([]);
    const range = differencesOf({ form: 'range', legacy: given(`[${text}]`), new: page(RESPONSE) }, ZONE);
    expect(range).toEqual([]);
  });

  it('names the field and both values', () => {
    expect(ofOne({ ...ORDER, symbol: 'EVEN' }, RESPONSE)).toEqual([
      { path: 'symbol', legacy: '"EVEN"', new: '"ACME"' },
    ]);
    const other = { ...RESPONSE, quantity: 4, amount: '749.4000' };
    expect(differencesOf({ form: 'page', legacy: given([ORDER]), new: page(other) }, ZONE)).toEqual([
      { path: '7.quantity', legacy: '3', new: '4' },
      { path: '7.amount', legacy: '562.05', new: '749.4' },
    ]);
  });

  it('names an order that one side does not have, which an open intent may explain', () => {
    const missing = ofOne(ORDER, null);
    expect(missing).toEqual([{ path: 'order', legacy: JSON.stringify(ORDER) }]);
    const extra = differencesOf({ form: 'page', legacy: given([]), new: page(RESPONSE) }, ZONE);
    expect(extra).toEqual([{ path: '7', new: expect.any(String) }]);
    expect(JSON.parse(extra[0]?.new ?? '')).toEqual(ORDER);
    expect([...missing, ...extra].every(isMissingOrder)).toBe(true);
    expect(isMissingOrder({ path: 'symbol', legacy: '"EVEN"', new: '"ACME"' })).toBe(false);
  });

  it.each([
    ['a float that is no exact amount', { price: 0.1 + 0.2 }, 'not-a-plain-decimal', /^price must be a decimal/],
    ['an id that is no UUID', { id: 'order-7' }, 'not-a-uuid', /^id must be a UUID/],
    ['a local time in another form', { createdAt: '2026-10-25 02:30' }, 'not-a-local-time', /^createdAt /],
  ])('explains why the target can not have %s', (_, change, code, detail) => {
    const [difference] = differencesOf({ form: 'page', legacy: given([{ ...ORDER, ...change }]), new: page() }, ZONE);
    expect(difference).toMatchObject({ path: '7', code, detail: expect.stringMatching(detail) });
    expect(isMissingOrder(difference ?? { path: '' })).toBe(false);
  });

  it.each([
    ['html', '<html><h1>Bad gateway</h1></html>'],
    ['half-json', JSON.stringify([ORDER]).slice(0, 40)],
    ['half-json', '[{"id": "a'],
    ['half-json', '['],
    ['half-json', ''],
    ['not-json', '[1, 2, oops]'],
    ['duplicate-key', '[{"number": 1, "number": 2}]'],
    ['not-a-list', '{"items": []}'],
    ['not-an-order', '[17]'],
    ['duplicate-number', JSON.stringify([ORDER, ORDER])],
  ])('reports a legacy answer that is %s: %s', (code, text) => {
    const [difference, ...others] = differencesOf({ form: 'page', legacy: given(text), new: page() }, ZONE);
    expect(difference).toMatchObject({ code, detail: expect.stringMatching(/^the answer of the legacy system /) });
    expect(others).toEqual([]);
  });

  it('reports an answer of the target that is not of its model', () => {
    const [difference] = differencesOf({ form: 'page', legacy: given([]), new: page({ id: 'x' }) }, ZONE);
    expect(difference).toMatchObject({
      code: 'bad-value',
      detail: expect.stringMatching(/^the answer of the target /),
    });
  });

  it('does not round: two large numbers that are the same as floats differ', () => {
    const text = JSON.stringify(ORDER).replace('187.35', '187.35000000000001');
    expect(ofOne(text, RESPONSE)).toMatchObject([{ path: 'price', legacy: '"187.35000000000001"', new: '187.35' }]);
  });

  it('has a bounded size', () => {
    const many = Array.from({ length: 1_000 }, (_, at) => ({ ...ORDER, number: at + 1, symbol: 'x'.repeat(5_000) }));
    const found = differencesOf({ form: 'page', legacy: given(many), new: page() }, ZONE);
    expect(found).toHaveLength(50);
    expect(JSON.stringify(found).length).toBeLessThan(50 * 1_000);
  });
});
