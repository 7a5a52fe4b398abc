import { describe, expect, it } from '@jest/globals';
import { BSON, Decimal128, Long, UUID } from 'mongodb';
import { createDraws } from '#orders/generator/draws.js';
import { orderGenerator } from '#orders/generator/generator.js';
import { toDocument } from '#orders/order/order-document.js';
import { MAX_AMOUNT, MAX_PRICE } from '#orders/order/money.js';
import type { Order } from '#orders/order/order.js';
import { orderResponse } from '#orders/order/order-response.js';
import { decodeResponse } from './encoded-order.js';

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
  const { ingest: _, ...document } = toDocument(order, {
    operationId: null,
    partition: 0,
    offset: Long.ZERO,
    attempts: 1,
    savedAt: new Date(0),
  });
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

  it('has Unicode text and the legacy fields', () => {
    const order = {
      ...orderAt(2),
      accountId: 'Zoë, "日本" \u{1F4C8}',
      legacy: { number: 7, filled: ['price', 'side'] },
    };
    expect(decodeResponse(encoded(order))).toEqual(orderResponse(order));
    const { legacy: _, ...plain } = order;
    expect(decodeResponse(encoded(plain))).toEqual(orderResponse(plain));
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
