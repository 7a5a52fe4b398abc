import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { anIntakeOrder } from '#orders/testing/an-order.js';
import { useOrderStore } from './testing/use-order-store.js';
import { createLegacyServer } from './legacy-server.js';

const tested = useOrderStore();
const ORDER = { ...anIntakeOrder(), price: 187.35 };

describe('the API of the legacy system', () => {
  let app: FastifyInstance;

  beforeEach(() => {
    const { store } = tested;
    app = createLegacyServer({
      store,
      logger: pino({ level: 'silent' }),
      listenHost: '127.0.0.1',
      random: Math.random,
    });
  });

  afterEach(async () => app.close());

  async function send(method: 'GET' | 'POST', url: string, payload?: object | string, given = {}) {
    const json = payload !== undefined && { 'content-type': 'application/json' };
    const headers = { host: 'localhost:3010', ...json, ...given };
    const answer = await app.inject({ method, url, headers, ...(payload !== undefined && { payload }) });
    return { status: answer.statusCode, type: answer.headers['content-type'], body: answer.json<unknown>() };
  }

  async function numbers(url: string): Promise<number[]> {
    const { body } = await send('GET', url);
    return (body as { number: number }[]).map(({ number }) => number);
  }

  it('answers a new order with 201, and the same again with 200', async () => {
    const first = await send('POST', '/orders', { ...ORDER, id: 'a' });
    expect(first).toMatchObject({ status: 201, body: { ...ORDER, id: 'a', number: 1, amount: 562.05 } });
    expect(await send('POST', '/orders', first.body as object)).toEqual({ ...first, status: 200 });
    expect(await send('POST', '/orders', { ...ORDER, id: 'a', price: 1 })).toMatchObject({
      status: 409,
      body: { message: 'order a exists under number 1 with another price' },
    });
    expect(await send('POST', '/orders', { ...ORDER, number: 1 })).toMatchObject({
      status: 409,
      body: { message: 'number 1 is in use' },
    });
  });

  it('answers null with 200 for an unknown id', async () => {
    expect(await send('GET', '/orders/unknown')).toMatchObject({ status: 200, type: /^application\/json/, body: null });
    expect(await send('GET', `/orders/${'x'.repeat(1_000)}`)).toMatchObject({ status: 200, body: null });
  });

  it('answers pages of 1,000 numbers and ranges as plain arrays, with their holes', async () => {
    for (const number of [2, 1_000, 1_001]) await send('POST', '/orders', { ...ORDER, id: `id-${number}`, number });
    expect(await numbers('/orders/page/1')).toEqual([2, 1_000]);
    expect(await numbers('/orders/page/2')).toEqual([1_001]);
    expect(await numbers('/orders/page/3')).toEqual([]);
    expect(await numbers('/orders/range?start=1000&end=1001')).toEqual([1_000, 1_001]);
    expect(await numbers('/orders/range?start=3&end=999')).toEqual([]);
  });

  it('populates without a body, also with the content type of JSON', async () => {
    expect(await send('POST', '/populate?count=3')).toMatchObject({
      status: 201,
      body: { count: 3, first: 1, last: 3 },
    });
    const empty = await send('POST', '/populate?count=2', '');
    expect(empty).toMatchObject({ status: 201, body: { count: 2, first: 4, last: 5 } });
  });

  it.each([
    ['/populate', /count must be an integer from 1 to 1000000, got undefined/],
    ['/populate?count=0', /count/],
    ['/populate?count=1e3', /count/],
    ['/populate?count=1&count=2', /count/],
    ['/orders/page/0', /page/],
    ['/orders/page/x', /page/],
    ['/orders/range?start=1', /end must be an integer/],
    ['/orders/range?start=2&end=1', /end must not be below start/],
    ['/orders/range?start=1&end=9999999999', /end/],
  ])('rejects %s', async (url, message) => {
    const answer = await send(url.startsWith('/populate') ? 'POST' : 'GET', url);
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringMatching(message) } });
  });

  it.each<[string, string, RegExp]>([
    ['an unknown field', '"note": 1', /Unrecognized key: "note"/],
    ['a negative quantity', '"quantity": -1', /^quantity: /],
    ['a price of 1e308', '"price": 1e308', /^price: /],
    ['10,000 digits', `"price": ${'9'.repeat(10_000)}`, /^price: /],
    ['a price of 0', '"price": 0', /^price: /],
    ['a timestamp with a zone', '"createdAt": "2026-01-31T12:00:00Z"', /^createdAt: must be a local time/],
    ['a day that does not exist', '"createdAt": "2026-02-30T12:00:00"', /^createdAt: must be a local time/],
  ])('rejects an order with %s', async (_, field, message) => {
    const answer = await send('POST', '/orders', `${JSON.stringify(ORDER).slice(0, -1)}, ${field}}`);
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringMatching(message) } });
    expect((await send('GET', '/orders/page/1')).body).toEqual([]);
  });

  it('names every field that is missing', async () => {
    const { body } = await send('POST', '/orders', {});
    for (const name of Object.keys(ORDER))
      expect(body).toMatchObject({ message: expect.stringContaining(`${name}: `) });
  });

  it.each([
    ['another origin', { origin: 'http://localhost:3010' }],
    ['a host name that resolves to loopback', { host: 'evil.example' }],
  ])('rejects web pages: %s', async (_, headers) => {
    expect(await send('POST', '/populate?count=1', undefined, headers)).toMatchObject({ status: 403 });
  });
});
