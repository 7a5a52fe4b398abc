import { describe, expect, it } from '@jest/globals';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { ClientMemory } from './client-memory.js';

const record = (number: number): LegacyRecord => ({
  id: `id-${number}`,
  number,
  accountId: 'acc',
  side: 'buy',
  symbol: 'ACME',
  quantity: 1,
  price: 1.5,
  amount: 1.5,
  currency: 'EUR',
  createdAt: '2026-01-01T00:00:00.000',
});
const list = (...numbers: number[]): string => JSON.stringify(numbers.map(record));
const RANGE = { path: '/orders/range?start=1&end=9', from: 1, to: 9 };
const ONE = { path: '/orders/id-1', id: 'id-1' };

describe("a client's memory", () => {
  it('accepts answers that have all known orders, and learns new ones', () => {
    const memory = new ClientMemory();
    expect(memory.judge(ONE, 'null')).toBeUndefined();
    memory.learn(record(1));
    expect(memory.judge(ONE, JSON.stringify(record(1)))).toBeUndefined();
    expect(memory.judge(RANGE, list(1, 4))).toBeUndefined();
    expect(memory.ids).toEqual(['id-1', 'id-4']);
  });

  it('finds a read that does not return the own write', () => {
    const memory = new ClientMemory();
    memory.learn(record(1));
    expect(memory.judge(ONE, 'null')).toContain('missing');
    expect(memory.judge(RANGE, list(4))).toContain('order 1 (id-1) is known to the client, and missing');
  });

  it('finds a read that goes back behind an earlier one', () => {
    const memory = new ClientMemory();
    memory.judge(RANGE, list(1, 4));
    expect(memory.judge({ path: '/orders/range?start=3&end=5', from: 3, to: 5 }, '[]')).toContain('order 4');
  });

  it('finds an order that has changed', () => {
    const memory = new ClientMemory();
    memory.learn(record(1));
    expect(memory.judge(ONE, JSON.stringify({ ...record(1), quantity: 2 }))).toContain('and is');
    expect(memory.judge(RANGE, JSON.stringify([{ ...record(1), number: 3 }]))).toContain('and is');
  });

  it.each([
    ['an order twice', list(1, 1)],
    ['orders out of order', list(4, 1)],
    ['an order out of the range', list(10)],
  ])('finds %s', (_, text) => {
    expect(new ClientMemory().judge(RANGE, text)).toContain('out of the range');
  });

  it.each(['{"id": "id-2", "number": 2}', 'half {', '<html>'])('finds an answer that is another one: %s', (text) => {
    expect(new ClientMemory().judge(ONE, text)).toContain('another order');
    expect(new ClientMemory().judge(RANGE, text)).toContain('no list of orders');
  });
});
