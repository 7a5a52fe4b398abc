import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { orderGenerator } from '#orders/generator/generator.js';
import { NumberText } from '../json/strict-json.js';
import { legacyOrder } from './legacy-order.js';
import { orderResponse } from '#orders/order/order-response.js';
import { orderViolation, type LegacyOrder } from '#orders/order/order.js';

const ID = '01935c9e-8a00-4000-8000-00000000000a';
const FILLABLE = ['accountId', 'side', 'symbol', 'quantity', 'price', 'amount', 'currency', 'createdAt'];
const PAIR = { id: ID, number: 7 };

const generated = orderGenerator({
  operationId: '01935c9e-8a00-7000-8000-000000000001',
  seed: 1,
  count: 100,
  firstNumber: 500,
  accounts: 9,
  from: new Date('2026-01-01T00:00:00Z'),
  to: new Date('2026-01-02T00:00:00Z'),
});

/** Converts numbers to `NumberText`, like a parser that keeps their text. */
function textual(value: unknown): unknown {
  if (typeof value === 'number') return new NumberText(String(value));
  if (Array.isArray(value)) return value.map(textual);
  if (typeof value === 'object' && value !== null && !(value instanceof NumberText))
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, textual(each)]));
  return value;
}

function read(row: unknown): LegacyOrder {
  const result = legacyOrder(textual(row));
  if ('reason' in result) throw new Error(JSON.stringify(result.reason));
  return result.order;
}

const number = (text: string): NumberText => new NumberText(text);

describe('legacyOrder', () => {
  it('fills the missing fields of a pair from the id alone, and names them', () => {
    expect(read(PAIR)).toEqual({
      id: ID,
      accountId: 'legacy-e32e',
      side: 'sell',
      symbol: 'DYNE',
      quantity: 5_505,
      price: 4_757_140n,
      amount: 26_188_055_700n,
      currency: 'USD',
      createdAt: new Date(0),
      legacy: { number: 7, filled: FILLABLE },
    });
    expect(read(PAIR)).toEqual(read({ ...PAIR, id: ID.toUpperCase() }));
  });

  it('gives a valid order for every subset of filled fields', () => {
    const parts = fc.subarray(FILLABLE.filter((name) => name !== 'amount'));
    const property = fc.property(fc.uuid(), fc.nat(99), parts, (id, index, names) => {
      const whole: Record<string, unknown> = { ...orderResponse(generated(index)) };
      const order = read({ ...PAIR, id, ...Object.fromEntries(names.map((name) => [name, whole[name]])) });
      expect(orderViolation({ ...order, number: 1 })).toBeUndefined();
      expect(order.legacy.filled.filter((name) => names.includes(name))).toEqual([]);
      expect(order.legacy.filled.length).toBe(8 - names.length);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('accepts a full order unchanged', () => {
    const { number: legacyNumber, ...order } = generated(3);
    expect(read(orderResponse(generated(3)))).toEqual({ ...order, legacy: { number: legacyNumber, filled: [] } });
  });

  it('gives the same order again after an import and export', () => {
    const first = read(PAIR);
    expect(read(orderResponse({ ...first, number: 4_711 }))).toEqual(first);
  });

  it.each<[string, object, object]>([
    ['amount', { quantity: 3, price: '2.5' }, { amount: 75_000n, filled: ['amount'] }],
    ['quantity', { amount: 7.5, price: '2.5' }, { quantity: 3, filled: ['quantity'] }],
    ['price', { amount: 7.5, quantity: 3 }, { price: 25_000n, filled: ['price'] }],
    ['quantity and price', { amount: '7.5' }, { quantity: 1, price: 75_000n, filled: ['quantity', 'price'] }],
  ])('computes %s from the given fields', (_, given, { filled, ...expected }: { filled?: string[] }) => {
    const { quantity: _quantity, price: _price, amount: _amount, ...others } = orderResponse(generated(0));
    const order = read({ ...others, ...given });
    expect(order).toMatchObject(expected);
    expect(order.legacy.filled).toEqual(filled);
  });

  it('fills the currency of the given symbol', () => {
    expect(read({ ...PAIR, symbol: 'JADE' })).toMatchObject({ symbol: 'JADE', currency: 'CHF' });
    expect(read({ ...PAIR, symbol: 'UNHEARD' }).symbol).toBe('UNHEARD');
  });

  it.each<[string, object, string, string?]>([
    ['no id', { id: undefined }, 'missing-field', 'id'],
    ['an id that is not a UUID', { id: 'x' }, 'not-a-uuid', 'id'],
    ['an id that is a number', { id: 1 }, 'not-a-uuid', 'id'],
    ['no number', { number: undefined }, 'missing-field', 'number'],
    ['a number as text', { number: '7' }, 'not-an-integer', 'number'],
    ['a number with a point', { number: number('1.0') }, 'not-an-integer', 'number'],
    ['a number with an exponent', { number: number('1e3') }, 'not-an-integer', 'number'],
    ['a negative number', { number: -1 }, 'out-of-range', 'number'],
    ['a number beyond 2^53', { number: number('9007199254740992') }, 'unsafe-number', 'number'],
    ['a number of 1,000 digits', { number: number('9'.repeat(1_000)) }, 'unsafe-number', 'number'],
    ['an unknown field', { note: 'x' }, 'unknown-field', 'note'],
    ['a field that is null', { symbol: null }, 'wrong-type', 'symbol'],
    ['an empty accountId', { accountId: '' }, 'bad-text', 'accountId'],
    ['a long accountId', { accountId: 'x'.repeat(65) }, 'bad-text', 'accountId'],
    ['NUL', { symbol: 'A\0' }, 'bad-text', 'symbol'],
    ['a lone surrogate', { symbol: '\ud800' }, 'bad-text', 'symbol'],
    ['a symbol that is a number', { symbol: 1 }, 'wrong-type', 'symbol'],
    ['an unknown side', { side: 'BUY' }, 'bad-value', 'side'],
    ['a currency in small letters', { currency: 'eur' }, 'bad-value', 'currency'],
    ['quantity 0', { quantity: 0 }, 'out-of-range', 'quantity'],
    ['quantity 10,001', { quantity: 10_001 }, 'out-of-range', 'quantity'],
    ['quantity 1.5', { quantity: 1.5 }, 'not-an-integer', 'quantity'],
    ['an amount with a comma', { amount: '12,50' }, 'not-a-plain-decimal', 'amount'],
    ['an amount of 1e308', { amount: number('1e308') }, 'not-a-plain-decimal', 'amount'],
    ['an amount of NaN', { amount: 'NaN' }, 'not-a-plain-decimal', 'amount'],
    ['five decimals', { price: '1.00001' }, 'not-a-plain-decimal', 'price'],
    ['an amount of 0', { amount: 0 }, 'out-of-range', 'amount'],
    ['a negative price', { price: -1 }, 'out-of-range', 'price'],
    ['a price over decimal(18,4)', { price: '100000000000000' }, 'out-of-range', 'price'],
    ['an amount over decimal(22,4)', { amount: number('1000000000000000000') }, 'out-of-range', 'amount'],
    ['a lone amount above the maximum price', { amount: '100000000000000' }, 'out-of-range', 'price'],
    ['an amount that is not quantity x price', { quantity: 2, price: 2, amount: 5 }, 'amount-mismatch', 'amount'],
    ['an amount that is no whole multiple of the price', { price: 2, amount: 5 }, 'amount-mismatch', 'quantity'],
    ['an amount without an exact price', { quantity: 3, amount: 1 }, 'amount-mismatch', 'price'],
    ['a date without a zone', { createdAt: '2026-01-31T12:00:00' }, 'not-a-date', 'createdAt'],
    ['a day that does not exist', { createdAt: '2026-02-30T12:00:00Z' }, 'not-a-date', 'createdAt'],
    ['a date of 1e20', { createdAt: number('1e20') }, 'not-a-date', 'createdAt'],
    ['a date before 1970', { createdAt: '1969-12-31T23:59:59Z' }, 'not-a-date', 'createdAt'],
    ['microseconds', { createdAt: '2026-01-31T12:00:00.000001Z' }, 'not-a-date', 'createdAt'],
    ['a legacy that is not an object', { legacy: 'x' }, 'wrong-type', 'legacy'],
    ['a legacy without a number', { legacy: { filled: [] } }, 'missing-field', 'legacy.number'],
    ['a legacy with an unknown field', { legacy: { number: 1, filled: [], x: 1 } }, 'unknown-field', 'legacy.x'],
    ['a filled field that can not be filled', { legacy: { number: 1, filled: ['id'] } }, 'bad-value', 'legacy.filled'],
  ])('rejects %s', (_, change, code, field) => {
    const row = Object.fromEntries(Object.entries({ ...PAIR, ...change }).filter(([, value]) => value !== undefined));
    expect(legacyOrder(textual(row))).toEqual({ reason: { code, field, detail: expect.any(String) } });
  });
});
