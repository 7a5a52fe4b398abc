import { describe, expect, it } from '@jest/globals';
import { BSON, Long } from 'mongodb';
import { orderGenerator } from '../generator/generator.js';
import { fromDocument, isRepeatedOrder, isSameOrder, toDocument, type OrderDocument } from './order-document.js';
import type { Order } from './order.js';

const order = orderGenerator({
  operationId: '01935c9e-8a00-7000-8000-000000000001',
  seed: 1,
  count: 1,
  firstNumber: 2 ** 40,
  accounts: 9,
  from: new Date(0),
  to: new Date(1_000),
})(0);
const imported: Order = { ...order, legacy: { number: 12, filled: ['symbol'] } };
const ingest = { operationId: null, partition: 3, offset: Long.fromNumber(7), attempts: 1, savedAt: new Date(5) };

describe('order document', () => {
  it.each([
    ['a generated order', order],
    ['an imported order', imported],
  ])('round-trips %s through BSON', (_, original) => {
    const stored = BSON.deserialize(BSON.serialize(toDocument(original, ingest))) as OrderDocument;
    expect(fromDocument(stored)).toEqual(original);
    expect(isSameOrder(fromDocument(stored), original)).toBe(true);
  });

  it('stores the number as an int64, even if it is small', () => {
    expect(toDocument({ ...order, number: 1 }, ingest).number).toBeInstanceOf(Long);
  });

  it('is a different order if one field differs', () => {
    const changes: Partial<Order>[] = [
      { number: 1 },
      { accountId: 'x' },
      { side: order.side === 'buy' ? 'sell' : 'buy' },
      { symbol: 'x' },
      { quantity: order.quantity + 1 },
      { price: order.price + 1n },
      { amount: order.amount + 1n },
      { currency: 'XXX' },
      { createdAt: new Date(order.createdAt.getTime() + 1) },
      { legacy: { number: 1, filled: [] } },
    ];
    expect(changes.filter((change) => isSameOrder(order, { ...order, ...change }))).toEqual([]);
  });

  it('of an import equals an order with another number, but not with any other difference', () => {
    const again = { ...imported, number: 1 };
    expect(isSameOrder(imported, again)).toBe(false);
    expect(isRepeatedOrder(imported, again)).toBe(true);
    const changes: Partial<Order>[] = [
      { quantity: order.quantity + 1 },
      { legacy: { number: 13, filled: ['symbol'] } },
      { legacy: { number: 12, filled: [] } },
    ];
    expect(changes.filter((change) => isRepeatedOrder(imported, { ...again, ...change }))).toEqual([]);
  });

  it('without `legacy` equals its own export', () => {
    const exported = { ...order, legacy: { number: order.number, filled: [] } };
    expect(isRepeatedOrder(order, exported)).toBe(true);
    expect(isRepeatedOrder(order, { ...exported, legacy: { number: 5, filled: [] } })).toBe(false);
    expect(isRepeatedOrder(order, { ...exported, legacy: { number: order.number, filled: ['side'] } })).toBe(false);
    expect(isRepeatedOrder(order, { ...order, number: order.number + 1 } as typeof order)).toBe(true);
    expect(isRepeatedOrder({ ...exported, number: 9 }, order)).toBe(false);
  });
});
