import { describe, expect, it } from '@jest/globals';
import { anIntakeOrder, idOf } from '#orders/testing/an-order.js';
import { explainInput, ValidationPipe } from '#service/http/request-input.js';
import { Problem } from '#service/http/problem.js';
import { IntakeBodySchema, OrderRedirectController, QueryApiAddress } from './intake.controller.js';

const ORDER = anIntakeOrder();
const ID = idOf(0xa);

explainInput();

/** Validates a body as the route does, after JSON. @returns the invalid fields */
async function invalidFields(body: unknown): Promise<{ fields: string[]; detail: string }> {
  try {
    // Through JSON text, as a request: 1e308 and 10,000 digits become what a parser makes of them.
    const json = typeof body === 'string' ? body : JSON.stringify(body);
    await new ValidationPipe().transform(JSON.parse(json) as unknown, { type: 'body', schema: IntakeBodySchema });
    return { fields: [], detail: '' };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const fields = (error.extensions.errors ?? []).map(({ field }) => field);
    return { fields: fields.toSorted(), detail: error.detail };
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

  it.each<[string, field: string, value: unknown]>([
    ['a price that is a number', 'price', 187.35],
    ['a price with five decimals', 'price', '1.00001'],
    ['a price with an exponent', 'price', '1e308'],
    ['a price of 10,000 digits', 'price', '9'.repeat(10_000)],
    ['a price of 15 digits', 'price', '100000000000000'],
    ['a price of 0', 'price', '0.0000'],
    ['a negative price', 'price', '-1'],
    ['a price with a comma', 'price', '12,50'],
    ['a price in words', 'price', 'NaN'],
    ['a negative quantity', 'quantity', -1],
    ['a quantity of 0', 'quantity', 0],
    ['a quantity of 10,001', 'quantity', 10_001],
    ['a quantity with a fraction', 'quantity', 1.5],
    ['a quantity as text', 'quantity', '3'],
    ['a negative legacy number', 'legacyNumber', -1],
    ['null for a field', 'symbol', null],
    ['an empty account', 'accountId', ''],
    ['a long account', 'accountId', 'x'.repeat(65)],
    ['NUL', 'symbol', 'A\0'],
    ['an unknown side', 'side', 'BUY'],
    ['a currency in small letters', 'currency', 'usd'],
    ['an id that is not a UUID', 'id', 'x'],
    ['a time without a zone', 'createdAt', '2026-01-31T12:00:00'],
    ['a day that does not exist', 'createdAt', '2026-02-30T12:00:00Z'],
    ['microseconds', 'createdAt', '2026-01-31T12:00:00.000001Z'],
    ['a time before 1970', 'createdAt', '1969-12-31T23:59:59Z'],
    ['a time as a number', 'createdAt', 1_769_860_800_000],
  ])('may not have %s: the field is named', async (_, field, value) => {
    const { fields, detail } = await invalidFields({ ...ORDER, [field]: value });
    expect(fields).toEqual([field]);
    expect(detail.length).toBeLessThan(1_000);
  });

  it.each<[string, unknown, string[]]>([
    ['nothing', '{}', ['accountId', 'currency', 'price', 'quantity', 'side', 'symbol']],
    ['null', 'null', ['body']],
    ['a text', '"x"', ['body']],
    ['an empty array', '[]', ['body']],
    ['1,001 orders', Array.from({ length: 1_001 }, () => ORDER), ['body']],
    ['an array in an array', [[ORDER]], ['0']],
    ['an order with unknown fields', { ...ORDER, amount: '1', note: 'x' }, ['amount', 'note']],
    ['an order with a quantity of 1e308', withJson('quantity', '1e308'), ['quantity']],
    ['an order with a quantity of 1e309', withJson('quantity', '1e309'), ['quantity']],
    ['an order with a quantity of 10,000 digits', withJson('quantity', '1'.repeat(10_000)), ['quantity']],
    ['an order with a legacy number above 2^53 - 1', withJson('legacyNumber', '9007199254740993'), ['legacyNumber']],
    ['an order with null for an optional field', { ...ORDER, legacyNumber: null }, ['legacyNumber']],
    ['an order with a lone surrogate', withJson('symbol', '"\\ud800"'), ['symbol']],
    ['an id twice', [{ ...ORDER, id: ID }, ORDER, { ...ORDER, id: ID.toUpperCase() }], ['2.id']],
    [
      'bad orders among good ones',
      [ORDER, { ...ORDER, price: 1, side: 'x' }, { ...ORDER, quantity: 0 }],
      ['1.price', '1.side', '2.quantity'],
    ],
  ])('may not be %s: each bad field is named', async (_, body, bad) => {
    const { fields, detail } = await invalidFields(body);
    expect(fields).toEqual(bad);
    expect(detail.length).toBeLessThan(1_000);
  });

  it('lists 100 invalid fields at most', async () => {
    const { fields, detail } = await invalidFields(Array.from({ length: 900 }, () => ({})));
    expect(fields.length).toBe(100);
    expect(detail).toMatch(/5397 more: see `errors`/);
  });

  it.each([
    [
      'price',
      '187.35',
      'price must be a decimal string such as "12.50": above zero, a point, at most 4 decimals, no exponent, got 187.35.',
    ],
    ['quantity', '1e309', 'quantity must be an integer from 1 to 10,000, got Infinity.'],
  ])('explains a bad %s', async (field, json, text) => {
    expect((await invalidFields(withJson(field, json))).detail).toBe(text);
  });
});

describe('a request for an order at the producer', () => {
  it.each(['http://orders.example:3000', 'http://orders.example:3000/'])('is redirected to %s', (address) => {
    const controller = new OrderRedirectController(new QueryApiAddress(address));
    for (const url of [`/v1/orders/${ID}`, `/v1/orders/${ID}?waitMs=5000`])
      expect(controller.redirectToOrder(ID, { url })).toEqual({ url: `http://orders.example:3000${url}` });
  });

  it('is a 404 that says where to ask, without the address', () => {
    const controller = new OrderRedirectController(new QueryApiAddress(undefined));
    const detail = expect.stringContaining(`/v1/orders/${ID} from the query API`);
    expect(() => controller.redirectToOrder(ID, { url: '' })).toThrow(
      expect.objectContaining({ code: 'not-found', detail }),
    );
  });
});
