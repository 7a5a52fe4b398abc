import { describe, expect, it } from '@jest/globals';
import { Problem } from '#service/http/problem.js';
import { ValidationPipe } from '#service/http/validation-pipe.js';
import { explainInput } from '#service/http/input-texts.js';
import { IntakeBodySchema } from './intake-body.js';

const ORDER = { accountId: 'acc-1', side: 'buy', symbol: 'ACME', quantity: 3, price: '187.35', currency: 'USD' };
const ID = '01935c9e-8a00-4000-8000-00000000000a';

explainInput();

/** Validates a body as the route does, after JSON. @returns the invalid fields */
async function invalidFields(body: unknown): Promise<{ fields: string[]; detail: string; total: number }> {
  try {
    // Through JSON text, as a request: 1e308 and 10,000 digits become what a parser makes of them.
    const json = typeof body === 'string' ? body : JSON.stringify(body);
    await new ValidationPipe().transform(JSON.parse(json) as unknown, { type: 'body', schema: IntakeBodySchema });
    return { fields: [], detail: '', total: 0 };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const fields = (error.extensions.errors ?? []).map(({ field }) => field);
    return { fields, detail: error.detail, total: fields.length };
  }
}

/** Returns the JSON of the order with a value in JSON notation. */
function withJson(field: string, json: string): string {
  return JSON.stringify({ ...ORDER, [field]: 'HERE' }).replace('"HERE"', json);
}

describe('the body of the intake', () => {
  it.each<[string, unknown]>([
    ['one order', ORDER],
    ['an array', [ORDER, ORDER]],
    ['all fields', { ...ORDER, id: ID, createdAt: '2026-01-31T13:00:00.5+01:00', legacyNumber: 0 }],
    ['an id in upper case', { ...ORDER, id: ID.toUpperCase() }],
    ['the largest price', { ...ORDER, price: '99999999999999.9999', quantity: 10_000 }],
    ['the smallest price', { ...ORDER, price: '0.0001' }],
    ['the largest legacy number', { ...ORDER, legacyNumber: Number.MAX_SAFE_INTEGER }],
    ['text of other scripts', { ...ORDER, accountId: 'счёт-1', symbol: '株' }],
  ])('may be %s', async (_, body) => {
    expect(await invalidFields(body)).toMatchObject({ fields: [] });
  });

  it.each<[string, unknown, string[]]>([
    ['nothing', '{}', ['accountId', 'side', 'symbol', 'quantity', 'price', 'currency']],
    ['null', 'null', ['body']],
    ['a text', '"x"', ['body']],
    ['an empty array', '[]', ['body']],
    ['1,001 orders', Array.from({ length: 1_001 }, () => ORDER), ['body']],
    ['an array in an array', [[ORDER]], ['0']],
    ['an unknown field', { ...ORDER, amount: '1', note: 'x' }, ['amount', 'note']],
    ['a price that is a number', { ...ORDER, price: 187.35 }, ['price']],
    ['a price with five decimals', { ...ORDER, price: '1.00001' }, ['price']],
    ['a price with an exponent', { ...ORDER, price: '1e308' }, ['price']],
    ['a price of 10,000 digits', { ...ORDER, price: '9'.repeat(10_000) }, ['price']],
    ['a price of 15 digits', { ...ORDER, price: '100000000000000' }, ['price']],
    ['a price of 0', { ...ORDER, price: '0.0000' }, ['price']],
    ['a negative price', { ...ORDER, price: '-1' }, ['price']],
    ['a price with a comma', { ...ORDER, price: '12,50' }, ['price']],
    ['a price in words', { ...ORDER, price: 'NaN' }, ['price']],
    ['a negative quantity', { ...ORDER, quantity: -1 }, ['quantity']],
    ['a quantity of 0', { ...ORDER, quantity: 0 }, ['quantity']],
    ['a quantity of 10,001', { ...ORDER, quantity: 10_001 }, ['quantity']],
    ['a quantity with a fraction', { ...ORDER, quantity: 1.5 }, ['quantity']],
    ['a quantity as text', { ...ORDER, quantity: '3' }, ['quantity']],
    ['a quantity of 1e308', withJson('quantity', '1e308'), ['quantity']],
    ['a quantity of 1e309', withJson('quantity', '1e309'), ['quantity']],
    ['a quantity of 10,000 digits', withJson('quantity', '1'.repeat(10_000)), ['quantity']],
    ['a legacy number above 2^53 - 1', withJson('legacyNumber', '9007199254740993'), ['legacyNumber']],
    ['a negative legacy number', { ...ORDER, legacyNumber: -1 }, ['legacyNumber']],
    ['null for a field', { ...ORDER, symbol: null, legacyNumber: null }, ['symbol', 'legacyNumber']],
    ['an empty account', { ...ORDER, accountId: '' }, ['accountId']],
    ['a long account', { ...ORDER, accountId: 'x'.repeat(65) }, ['accountId']],
    ['NUL', { ...ORDER, symbol: 'A\0' }, ['symbol']],
    ['a lone surrogate', withJson('symbol', '"\\ud800"'), ['symbol']],
    ['an unknown side', { ...ORDER, side: 'BUY' }, ['side']],
    ['a currency in small letters', { ...ORDER, currency: 'usd' }, ['currency']],
    ['an id that is not a UUID', { ...ORDER, id: 'x' }, ['id']],
    ['a time without a zone', { ...ORDER, createdAt: '2026-01-31T12:00:00' }, ['createdAt']],
    ['a day that does not exist', { ...ORDER, createdAt: '2026-02-30T12:00:00Z' }, ['createdAt']],
    ['microseconds', { ...ORDER, createdAt: '2026-01-31T12:00:00.000001Z' }, ['createdAt']],
    ['a time before 1970', { ...ORDER, createdAt: '1969-12-31T23:59:59Z' }, ['createdAt']],
    ['a time as a number', { ...ORDER, createdAt: 1_769_860_800_000 }, ['createdAt']],
    ['an id twice', [{ ...ORDER, id: ID }, ORDER, { ...ORDER, id: ID.toUpperCase() }], ['2.id']],
    [
      'bad orders among good ones',
      [ORDER, { ...ORDER, price: 1, side: 'x' }, { ...ORDER, quantity: 0 }],
      ['1.side', '1.price', '2.quantity'],
    ],
  ])('may not be %s: each bad field is named', async (_, body, fields) => {
    const found = await invalidFields(body);
    expect(found.fields.toSorted()).toEqual(fields.toSorted());
    expect(found.detail.length).toBeLessThan(1_000);
  });

  it('lists 100 invalid fields at most', async () => {
    const { total, detail } = await invalidFields(Array.from({ length: 900 }, () => ({})));
    expect(total).toBe(100);
    expect(detail).toMatch(/5397 more: see `errors`/);
  });

  it('explains the value', async () => {
    expect((await invalidFields({ ...ORDER, price: 187.35 })).detail).toBe(
      'price must be a decimal string such as "12.50": above zero, a point, at most 4 decimals, no exponent, got 187.35.',
    );
    expect((await invalidFields(withJson('quantity', '1e309'))).detail).toBe(
      'quantity must be an integer from 1 to 10,000, got Infinity.',
    );
  });
});
