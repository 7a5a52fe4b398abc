import { describe, expect, it } from '@jest/globals';
import { Long, UUID } from 'mongodb';
import { orderGenerator } from '#orders/generator/generator.js';
import { toDocument, type OrderDocument } from '#orders/order/order-document.js';
import { findOverlap, firstBegunAt, readSaved, type SavedOrder } from './saved-orders.js';

const OPERATION = '01935c9e-8a00-7000-8000-000000000001';
const BATCH = {
  operationId: OPERATION,
  seed: 1,
  count: 3,
  firstNumber: 10,
  accounts: 9,
  from: new Date(0),
  to: new Date(1_000),
};

function documents(): OrderDocument[] {
  const orderAt = orderGenerator(BATCH);
  return Array.from({ length: BATCH.count }, (_, index) =>
    toDocument(orderAt(index), {
      operationId: new UUID(OPERATION),
      partition: 4,
      offset: Long.fromNumber(70 + index),
      attempts: 1,
      savedAt: new Date(5_000),
    }),
  );
}

/** Returns orders of one account, in the order of the topic. */
function savedAt(...times: number[]): SavedOrder[] {
  return times.map((time, index) => ({
    index,
    accountId: 'a',
    partition: 0,
    offset: index,
    savedAt: new Date(time),
  }));
}

describe('the orders found in MongoDB', () => {
  it('are the orders that were sent', () => {
    const saved = readSaved(documents(), BATCH);
    expect(saved).toMatchObject([
      { index: 0, partition: 4, offset: 70 },
      { index: 1, offset: 71 },
      { index: 2, offset: 72 },
    ]);
  });

  it('are rejected if an order is missing', () => {
    expect(readSaved(documents().slice(1), BATCH)).toBe('2 orders are saved instead of 3');
  });

  it('are rejected if an order differs', () => {
    const [first, second, third] = documents() as [OrderDocument, OrderDocument, OrderDocument];
    const altered = { ...second, quantity: second.quantity + 1 };
    expect(readSaved([first, altered, third], BATCH)).toBe('the order with index 1 differs from the one sent');
  });
});

describe('the order that a way promises', () => {
  const PLANNED = [300, 200, 100].map((waitMs) => ({ accountId: 'a', partition: 0, waitMs }));

  const byKey = { ordering: 'key', inFlight: 1_000 } as const;
  const perPartition = { ordering: 'partition', inFlight: 12 } as const;

  it('is kept if each save began after the previous order was saved', () => {
    for (const way of [byKey, perPartition]) expect(findOverlap(way, savedAt(300, 500, 600), PLANNED)).toBeUndefined();
  });

  it('is broken by a save that began before that, even if it ended later', () => {
    const overlap = 'the save of the order with index 1 began before the order with index 0 was saved';
    expect(findOverlap(byKey, savedAt(300, 450, 600), PLANNED)).toBe(`a: ${overlap}`);
    expect(findOverlap(perPartition, savedAt(300, 450, 600), PLANNED)).toBe(`partition 0: ${overlap}`);
  });

  it('is broken by an order that was saved before the previous one', () => {
    expect(findOverlap(byKey, savedAt(900, 200, 1_100), PLANNED)).toContain('index 1');
  });

  it('does not apply between accounts, or without order', () => {
    const others = savedAt(300, 200, 100).map((order) => Object.assign(order, { accountId: `a${order.index}` }));
    expect(findOverlap(byKey, others, PLANNED)).toBeUndefined();
    expect(findOverlap({ ordering: 'unordered', inFlight: 3 }, savedAt(300, 200, 100), PLANNED)).toBeUndefined();
  });

  it('applies to all orders one after another, in any sequence', () => {
    const oneAfterAnother = { ordering: 'key', inFlight: 1 } as const;
    expect(findOverlap(oneAfterAnother, savedAt(600, 300, 100), PLANNED)).toBeUndefined();
    expect(findOverlap(oneAfterAnother, savedAt(500, 300, 100), PLANNED)).toContain('all: ');
  });

  it('begins with the save that began first, not with the one that ended first', () => {
    expect(firstBegunAt(savedAt(1_300, 1_250, 1_140), PLANNED)).toBe(1_000);
  });
});
