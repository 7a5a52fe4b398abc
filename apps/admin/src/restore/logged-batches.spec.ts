import { describe, expect, it } from '@jest/globals';
import { unpackOrders } from '#orders/operation/intake-batches.js';
import { toBatches, type PlacedOrder } from './logged-batches.js';

const T = new Date('2026-11-28T00:00:00Z');

function order(number: number, change: Partial<PlacedOrder> = {}): PlacedOrder {
  return {
    id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    number,
    hash: 'ab'.repeat(16),
    createdAt: T,
    createdAtAssigned: false,
    operationId: 'one',
    index: number - 100,
    partition: 0,
    offset: number,
    timestamp: T.getTime() + number,
    ...change,
  };
}

describe('the batches of logged orders', () => {
  it('cover consecutive numbers of one operation, in any order of reading, with the places of their records', () => {
    const [batch, ...others] = toBatches([
      order(103, { partition: 1, offset: 9 }),
      order(101, { partition: 1, offset: 7 }),
      order(100, { offset: 50 }),
      order(102, { offset: 51 }),
    ]);
    expect(others).toEqual([]);
    expect(batch).toMatchObject({ _id: 100, operationId: 'one', from: 0, count: 4, state: 'acknowledged' });
    expect(batch?.parts).toEqual([
      { partition: 0, records: 2, baseOffset: 50 },
      { partition: 1, records: 1, baseOffset: 7 },
      { partition: 1, records: 1, baseOffset: 9 },
    ]);
    expect(unpackOrders(batch ?? {}).map(({ id, partition }) => [id.slice(-3), partition])).toEqual([
      ['100', 0],
      ['101', 1],
      ['102', 0],
      ['103', 1],
    ]);
  });

  it.each<[string, Partial<PlacedOrder>]>([
    ['a number is missing', { number: 102, index: 2 }],
    ['the index does not go on', { index: 7 }],
    ['another operation begins', { operationId: 'two' }],
  ])('end where %s', (_, change) => {
    expect(toBatches([order(100), order(101, change)]).map(({ count }) => count)).toEqual([1, 1]);
  });

  it('end after a thousand orders', () => {
    const orders = Array.from({ length: 2_001 }, (_, at) => order(100 + at));
    expect(toBatches(orders).map(({ _id, count }) => [_id, count])).toEqual([
      [100, 1_000],
      [1_100, 1_000],
      [2_100, 1],
    ]);
  });

  it('have the time that the intake has assigned to their orders', () => {
    const later = new Date(T.getTime() + 1);
    const batches = toBatches([
      order(100, { createdAtAssigned: true }),
      order(101, { createdAt: new Date(0) }),
      order(102, { createdAtAssigned: true }),
      order(103, { createdAtAssigned: true, createdAt: later }),
    ]);
    expect(batches.map(({ count, at }) => [count, at])).toEqual([
      [3, T],
      [1, later],
    ]);
  });
});
