import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { BSON, Long } from 'mongodb';
import { validate, version } from 'uuid';
import { anOrder } from '../testing/an-order.js';
import { MAX_PRICE } from './money.js';
import { contentHash, contentOf, hashOf } from './order-content.js';
import { fromDocument, isRepeatedOrder, isSameOrder, toDocument, type OrderDocument } from './order-document.js';
import { createOrderIds, orderViolation, type Order } from './order.js';

const OPERATION = '01935c9e-8a00-7000-8000-000000000001';
const INGEST = { operationId: null, partition: 3, offset: Long.fromNumber(7), attempts: 1, savedAt: new Date(5) };
const GENERATED = anOrder({ number: 2 ** 39 });
const IMPORTED = { ...GENERATED, legacy: { number: 12, filled: ['symbol'] } };

describe('orderViolation', () => {
  it('accepts a valid order', () => {
    expect(orderViolation(GENERATED)).toBeUndefined();
  });

  it.each<Partial<Order>>([
    { id: 'not-a-uuid' },
    { id: 'F95328B7-B966-8247-89E7-000000000000' },
    { number: 0 },
    { number: 2 ** 53 },
    { accountId: '' },
    { accountId: 'a'.repeat(65) },
    { symbol: '' },
    { currency: 'usd' },
    { quantity: 0 },
    { quantity: 10_001 },
    { price: 0n },
    { price: 10n ** 18n },
    { amount: GENERATED.amount + 1n },
    { createdAt: new Date(Number.NaN) },
  ])('names the invalid field of %p', (change) => {
    expect(orderViolation({ ...GENERATED, ...change })).toMatch(new RegExp(`^${Object.keys(change)[0]} `));
  });
});

describe('an order document', () => {
  it.each([
    ['a generated order', GENERATED],
    ['an imported order', IMPORTED],
  ])('round-trips %s through BSON', (_, order) => {
    const stored = BSON.deserialize(BSON.serialize(toDocument(order, INGEST))) as OrderDocument;
    expect(fromDocument(stored)).toEqual(order);
    expect(isSameOrder(fromDocument(stored), order)).toBe(true);
  });

  it('stores the number as an int64, even if it is small', () => {
    expect(toDocument(anOrder({ number: 1 }), INGEST).number).toBeInstanceOf(Long);
  });
});

describe('an order', () => {
  const CHANGED: Partial<Order>[] = [
    { number: 1 },
    { accountId: 'x' },
    { side: 'sell' },
    { symbol: 'x' },
    { quantity: 4 },
    { price: GENERATED.price + 1n },
    { amount: GENERATED.amount + 1n },
    { currency: 'XXX' },
    { createdAt: new Date(0) },
    { legacy: { number: 1, filled: [] } },
  ];

  it.each(CHANGED)('is another one with %p', (change) => {
    expect(isSameOrder(GENERATED, { ...GENERATED, ...change })).toBe(false);
  });

  const AGAIN = { ...IMPORTED, number: 1 };
  const EXPORTED = { ...GENERATED, legacy: { number: GENERATED.number, filled: [] } };

  it.each<[boolean, string, Order, Order]>([
    [true, 'an import with another number', IMPORTED, AGAIN],
    [false, 'an import with another quantity', IMPORTED, { ...AGAIN, quantity: 4 }],
    [false, 'an import with another legacy number', IMPORTED, { ...AGAIN, legacy: { number: 13, filled: ['symbol'] } }],
    [false, 'an import with other filled fields', IMPORTED, { ...AGAIN, legacy: { number: 12, filled: [] } }],
    [true, 'its own export', GENERATED, EXPORTED],
    [false, 'an export with another number', GENERATED, { ...EXPORTED, legacy: { number: 5, filled: [] } }],
    [
      false,
      'an export with filled fields',
      GENERATED,
      { ...EXPORTED, legacy: { ...EXPORTED.legacy, filled: ['side'] } },
    ],
    [true, 'itself with another number', GENERATED, { ...GENERATED, number: GENERATED.number + 1 }],
    [false, 'what an export with another number came from', { ...EXPORTED, number: 9 }, GENERATED],
  ])('is repeated (%s) by %s', (isRepeated, _, order, other) => {
    expect(isRepeatedOrder(order, other)).toBe(isRepeated);
  });

  it('that is imported again is not the same order', () => {
    expect(isSameOrder(IMPORTED, AGAIN)).toBe(false);
  });
});

const text = (maxLength: number) => fc.string({ unit: 'grapheme', minLength: 1, maxLength });
const anyNumber = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER));
const anyLegacy = fc.record({ number: anyNumber, filled: fc.subarray(['accountId', 'side', 'symbol', 'quantity']) });
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
    legacy: fc.option(anyLegacy, { nil: undefined }),
  })
  .map(({ legacy, ...order }) =>
    Object.assign(order, { amount: BigInt(order.quantity) * order.price }, legacy && { legacy }),
  );

describe('the content of an order', () => {
  it('is what the serializer of MongoDB writes, whatever the order', () => {
    const property = fc.property(anyOrder, (order) => {
      const { ingest: _ingest, ...document } = toDocument(order, INGEST);
      const bytes = Buffer.from(BSON.serialize(document));
      expect(contentOf(order).toString('hex')).toBe(bytes.toString('hex', 4, bytes.length - 1));
      expect(contentHash(order)).toBe(hashOf(contentOf(order)));
    });
    fc.assert(property, { numRuns: 2_000 });
  });
});

describe('order ids', () => {
  const idAt = createOrderIds(OPERATION);

  it('are UUIDs of version 8, the same for the same operation and index', () => {
    const id = idAt(4_711);
    expect(id).toBe(createOrderIds(OPERATION)(4_711));
    expect([validate(id), version(id)]).toEqual([true, 8]);
    expect(id).toMatch(/^[0-9a-f-]{23}-000000001267$/);
  });

  it('differ between operations at every index', () => {
    expect(createOrderIds(OPERATION.replace(/1$/, '2'))(0).slice(0, 23)).not.toBe(idAt(0).slice(0, 23));
  });

  it('sort like their indexes, up to 2^48', () => {
    const ids = [0, 1, 999, 10_000_000, 2 ** 40, 2 ** 48 - 1].map(idAt);
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.filter((id) => !validate(id))).toEqual([]);
  });
});
