import { describe, expect, it } from '@jest/globals';
import { packOrders, unpackOrders, type IntakeBatch } from '#orders/numbering/intake-batches.js';
import { splitBatch } from './lost-log.js';

const ids = Array.from({ length: 5 }, (_, at) => `00000000-0000-4000-8000-00000000000${at}`);
const AT = new Date('2026-11-28T00:00:00Z');
const BATCH: IntakeBatch = {
  _id: 100,
  operationId: 'one',
  from: 7,
  count: 5,
  state: 'acknowledged',
  at: AT,
  orders: packOrders(ids.map((id) => ({ id, hash: 'ab'.repeat(16), partition: 1, createdAtAssigned: false }))),
  parts: [{ partition: 1, records: 5, baseOffset: 3 }],
  requests: [
    { key: 'a', request: 'r', at: 0, count: 1 },
    { key: 'b', request: 'r', at: 1, count: 2 },
    { key: 'c', request: 'r', at: 4, count: 1 },
  ],
  keysUntil: AT,
};

describe('a batch of received orders of which some are lost', () => {
  it('keeps the others with their numbers, indexes and keys, and abandons the lost numbers', () => {
    const parts = splitBatch(BATCH, new Set([101, 102]));
    expect(parts.map(({ _id, from, count, state }) => [_id, from, count, state])).toEqual([
      [100, 7, 1, 'acknowledged'],
      [101, 8, 2, 'abandoned'],
      [103, 10, 2, 'acknowledged'],
    ]);
    expect(parts.map((part) => unpackOrders(part).map(({ id }) => id))).toEqual([[ids[0]], [], [ids[3], ids[4]]]);
    expect(parts.map(({ requests }) => requests?.map(({ key, at }) => [key, at]))).toEqual([
      [['a', 0]],
      undefined,
      [['c', 1]],
    ]);
  });
});
