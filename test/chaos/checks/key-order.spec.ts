import { describe, expect, it } from '@jest/globals';
import { KeyOrder, type Insert } from './key-order.js';

let number = 0;
const insert = (accountId: string, offset: number, changed: Partial<Insert> = {}): Insert => ({
  number: (number += 1),
  accountId,
  operationId: 'op-1',
  partition: 1,
  offset,
  ...changed,
});
const inOrder = (): KeyOrder => new KeyOrder(({ operationId }) => operationId);

describe('the order per account', () => {
  it('holds when orders are inserted in topic order, whatever other accounts do', () => {
    const order = inOrder();
    for (const each of [insert('a', 1), insert('b', 9), insert('a', 2), insert('b', 12), insert('a', 30)])
      order.note(each);
    expect(order.violations).toBe(0);
  });

  it('is broken by an insert after an order with a higher offset', () => {
    const order = inOrder();
    for (const each of [insert('a', 5), insert('a', 4)]) order.note(each);
    expect(order.violations).toBe(1);
    expect(order.first).toMatchObject([{ before: { offset: 5 }, after: { offset: 4 } }]);
  });

  it('is broken by an order created before one already inserted, even in topic order', () => {
    const order = inOrder();
    for (const each of [insert('a', 1, { number: 1_002 }), insert('a', 2, { number: 1_001 })]) order.note(each);
    expect(order.violations).toBe(1);
  });

  it('is broken by it even if an order of another segment was inserted in between', () => {
    const order = inOrder();
    order.note(insert('a', 1, { number: 1_002 }));
    order.note(insert('a', 2, { number: 51_000, operationId: 'op-2' }));
    order.note(insert('a', 3, { number: 1_001 }));
    expect(order.violations).toBe(1);
  });

  it('is broken by an order on another partition, since Kafka orders records only within a partition', () => {
    const order = inOrder();
    for (const each of [insert('a', 1), insert('a', 2, { partition: 2 })]) order.note(each);
    expect(order.violations).toBe(1);
  });

  it('is not broken by orders that are emitted concurrently', () => {
    const order = inOrder();
    const other = { number: 1_001, operationId: 'op-2' };
    for (const each of [insert('a', 1, { number: 1_002 }), insert('a', 2, other)]) order.note(each);
    expect(order.violations).toBe(0);
  });

  it('counts all violations, and keeps the first 20', () => {
    const order = inOrder();
    for (let offset = 100; offset > 0; offset -= 1) order.note(insert('a', offset));
    expect([order.violations, order.first.length]).toEqual([99, 20]);
  });
});
