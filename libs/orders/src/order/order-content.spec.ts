import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { BSON, Long } from 'mongodb';
import { MAX_PRICE } from './money.js';
import { contentHash, contentOf, hashOf } from './order-content.js';
import { toDocument } from './order-document.js';
import type { Order } from './order.js';

const NO_INGEST = { operationId: null, partition: 0, offset: Long.ZERO, attempts: 0, savedAt: new Date(0) };

const text = (maxLength: number) => fc.string({ unit: 'grapheme', minLength: 1, maxLength });
const anyNumber = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER));
const anyOrder: fc.Arbitrary<Order> = fc
  .record({
    id: fc.oneof(
      fc.uuid(),
      fc.uuid().map((id) => id.toUpperCase()),
    ),
    number: anyNumber,
    accountId: text(20),
    side: fc.constantFrom('buy' as const, 'sell' as const),
    symbol: text(8),
    quantity: fc.integer({ min: 1, max: 10_000 }),
    price: fc.oneof(fc.bigInt({ min: 1n, max: 10_000_000n }), fc.bigInt({ min: 1n, max: MAX_PRICE })),
    currency: fc.constantFrom('EUR', 'USD'),
    createdAt: fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
    legacy: fc.option(
      fc.record({ number: anyNumber, filled: fc.subarray(['accountId', 'side', 'symbol', 'quantity']) }),
      { nil: undefined },
    ),
  })
  .map(({ legacy, ...order }) =>
    Object.assign(order, { amount: BigInt(order.quantity) * order.price }, legacy && { legacy }),
  );

describe('the content of an order', () => {
  it('is what the serializer of MongoDB writes, whatever the order', () => {
    const property = fc.property(anyOrder, (order) => {
      const { ingest: _ingest, ...document } = toDocument(order, NO_INGEST);
      const bytes = Buffer.from(BSON.serialize(document));
      expect(contentOf(order).toString('hex')).toBe(bytes.toString('hex', 4, bytes.length - 1));
      expect(contentHash(order)).toBe(hashOf(contentOf(order)));
    });
    fc.assert(property, { numRuns: 2_000 });
  });
});
