import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { BSON, Decimal128, Long, UUID } from 'mongodb';
import { Registry } from 'prom-client';
import { createDraws } from '#orders/generator/seeded-random.js';
import { orderGenerator } from '#orders/generator/generator.js';
import { toDocument } from '#orders/order/order-document.js';
import { MAX_AMOUNT, MAX_PRICE } from '#orders/order/money.js';
import type { Order } from '#orders/order/order.js';
import { orderResponse, type OrderResponse } from '#orders/order/order-response.js';
import { anOrderResponse } from '#orders/testing/an-order.js';
import { samples } from '#service/health/testing/samples.js';
import { decodeResponse, CSV_HEADER, csvLine } from './order-formats.js';
import { exposeReadMetrics, OpenExports } from '../read-limits.js';

const COUNT = 1_000;
const orderAt = orderGenerator({
  operationId: '01a20e65-570e-7570-bea6-26988d692e8b',
  seed: 7,
  count: COUNT,
  firstNumber: 2 ** 53 - COUNT,
  accounts: 100,
  from: new Date('1969-12-31T23:59:59.000Z'),
  to: new Date('2026-11-25T00:00:00Z'),
});

function encoded(order: Order, changes: object = {}): Uint8Array {
  const ingest = { operationId: null, partition: 0, offset: Long.ZERO, attempts: 1, savedAt: new Date(0) };
  const { ingest: _, ...document } = toDocument(order, ingest);
  return BSON.serialize({ ...document, ...changes });
}

describe('the response for an order, read from its BSON bytes', () => {
  it('equals the response for the decoded order, for 1,000 orders', () => {
    for (let index = 0; index < COUNT; index += 1)
      expect(decodeResponse(encoded(orderAt(index)))).toEqual(orderResponse(orderAt(index)));
  });

  it.each([0n, 1n, 9_999n, 10_000n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n, MAX_PRICE])(
    'is exact for a price of %s',
    (price) => {
      const order = { ...orderAt(1), price, amount: MAX_AMOUNT };
      expect(decodeResponse(encoded(order))).toEqual(orderResponse(order));
    },
  );

  it.each<Partial<Order>>([
    { accountId: 'Zoë, "日本" \u{1F4C8}' },
    { accountId: 'Zoë, "日本" \u{1F4C8}', legacy: { number: 7, filled: ['price', 'side'] } },
  ])('has Unicode text and the legacy fields: %j', (change) => {
    const order = { ...orderAt(2), ...change };
    expect(decodeResponse(encoded(order))).toEqual(orderResponse(order));
  });

  it('is correct for documents with another decimal scale, other types or another field order', () => {
    const order = orderAt(3);
    const draw = createDraws(3);
    const fields = Object.entries(BSON.deserialize(encoded(order)));
    const mixed = Object.fromEntries(fields.toSorted(([a], [b]) => draw(1, a.length, 9) - draw(1, b.length, 9)));
    const others = [
      encoded({ ...order, price: 12_0000n }, { price: Decimal128.fromString('12') }),
      BSON.serialize({ ...mixed, number: Long.fromNumber(order.number) }),
      encoded(order, { number: 5 }),
    ];
    expect(others.map((bytes) => decodeResponse(bytes))).toEqual([
      orderResponse({ ...order, price: 12_0000n }),
      orderResponse(order),
      orderResponse({ ...order, number: 5 }),
    ]);
  });

  it('is correct for bytes inside a larger buffer, as they arrive from the network', () => {
    const bytes = encoded(orderAt(4), { _id: new UUID('970844c7-0d33-82a3-ba87-000000001266') });
    const within = Buffer.concat([Buffer.alloc(13, 0xff), bytes]).subarray(13);
    expect(decodeResponse(within).id).toBe('970844c7-0d33-82a3-ba87-000000001266');
  });
});

const ORDER = anOrderResponse({ number: 4_711, quantity: 100 });

/** Returns the fields of a CSV record by their names. None of the values here contains a comma or a quote. */
function fieldsOf(order: OrderResponse): Record<string, string> {
  const values = csvLine(order).trimEnd().split(',');
  const names = CSV_HEADER.trimEnd().split(',');
  return Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
}

describe('an order as CSV', () => {
  it.each([
    ['=HYPERLINK("http://evil.example")', `"'=HYPERLINK(""http://evil.example"")"`],
    ['+1', "'+1"],
    ['-1+cmd|calc', "'-1+cmd|calc"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t'=1"],
    ['＝1', "'＝1"],
    ['A;=1;-2', "A;'=1;'-2"],
    ["'=1", "''=1"],
    ['ACME-2', 'ACME-2'],
    ["O'NEIL", "O'NEIL"],
  ])('has no formula in a text: %j', (text, field) => {
    expect(csvLine({ ...ORDER, symbol: text })).toContain(`,${field},`);
    expect(csvLine({ ...ORDER, accountId: text })).toContain(`,${field},`);
  });

  it('allows to restore the exact text', () => {
    for (const text of ['=1', "'=1", "a;'b;=c", "''", ';', "x;';=", "O'NEIL"]) {
      const escaped = fieldsOf({ ...ORDER, symbol: text })['symbol'] ?? '';
      expect(escaped.replaceAll(/(^|;)'/g, '$1')).toBe(text);
    }
  });

  it('keeps numbers and amounts as they are', () => {
    const legacy = { number: -7, filled: ['price'] };
    expect(fieldsOf({ ...ORDER, legacy })).toMatchObject({
      number: '4711',
      quantity: '100',
      price: '187.3500',
      amount: '18735.0000',
      legacyNumber: '-7',
      legacyFilled: 'price',
    });
  });
});

describe('open exports', () => {
  it('are counted by a metric until their response is closed', async () => {
    const exports = new OpenExports({ EXPORTS_PER_CALLER: 8, EXPORTS_IN_TOTAL: 32 });
    const registry = new Registry();
    exposeReadMetrics(exports, { count: 0 }, registry);
    const raw = Object.assign(new EventEmitter(), { destroyed: false }) as ServerResponse & EventEmitter;
    exports.hold({ caller: null, ip: '127.0.0.1' }, { raw });
    expect(await samples(registry, 'query_api_exports_open ')).toEqual(['query_api_exports_open 1']);
    raw.emit('close');
    expect(await samples(registry, 'query_api_exports_open ')).toEqual(['query_api_exports_open 0']);
  });
});
