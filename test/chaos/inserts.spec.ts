import { describe, expect, it } from '@jest/globals';
import { KeyOrder, type Insert } from './inserts.js';

const insert = (accountId: string, offset: number, change: Partial<Insert> = {}): Insert => ({
  number: 1_000 + offset,
  accountId,
  operationId: 'op-1',
  partition: 1,
  offset,
  ...change,
});
const OTHER = { number: 51_000, operationId: 'op-2' };

describe('the order per account', () => {
  it.each<[string, Insert[], number]>([
    ['holds in topic order, whatever other accounts do', [insert('a', 1), insert('b', 9), insert('a', 2)], 0],
    ['is broken by an insert after a higher offset', [insert('a', 5), insert('a', 4)], 1],
    [
      'is broken by an order that was created earlier',
      [insert('a', 1, { number: 9 }), insert('a', 2, { number: 8 })],
      1,
    ],
    [
      'is broken by it with an order of another segment in between',
      [insert('a', 1, { number: 9 }), insert('a', 2, OTHER), insert('a', 3, { number: 8 })],
      1,
    ],
    ['is broken by an order on another partition', [insert('a', 1), insert('a', 2, { partition: 2 })], 1],
    ['holds for orders that are published concurrently', [insert('a', 1, OTHER), insert('a', 2)], 0],
  ])('%s', (_, inserts, violations) => {
    const order = new KeyOrder(({ operationId }) => operationId);
    for (const each of inserts) order.note(each);
    expect(order.violations).toBe(violations);
  });

  it('counts all violations, and keeps the first 20', () => {
    const order = new KeyOrder(() => 'all');
    for (let offset = 100; offset > 0; offset -= 1) order.note(insert('a', offset));
    expect([order.violations, order.first.length]).toEqual([99, 20]);
    expect(order.first[0]).toMatchObject({ before: { offset: 100 }, after: { offset: 99 } });
  });
});
