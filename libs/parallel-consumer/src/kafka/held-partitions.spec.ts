import { describe, expect, it } from '@jest/globals';
import { HeldPartitions } from './held-partitions.js';

const numbers = (partitions: readonly { readonly partition: number }[]) => partitions.map(({ partition }) => partition);

describe('the partitions that a member holds', () => {
  it('are those of its assignment in an eager group, which it claims with the generation', () => {
    const held = new HeldPartitions(['orders'], 'eager');
    expect(numbers(held.assign({ orders: [0, 1] }, 5, false))).toEqual([0, 1]);
    expect(numbers(held.assign({ orders: [1] }, 6, true))).toEqual([1]);
    expect(held.surrendered).toEqual([]);
    expect(held.ownership).toEqual({ since: 6, owned: { orders: [1] } });
  });

  it('include those that it has to surrender in a cooperative group, until it has', () => {
    const held = new HeldPartitions(['orders', 'payments'], 'cooperative');
    held.assign({ orders: [0, 1], payments: [7] }, 5, false);
    expect(numbers(held.assign({ orders: [0, 2] }, 6, true))).toEqual([0, 2, 1, 7]);
    expect(held.surrendered).toEqual([
      { topic: 'orders', partition: 1 },
      { topic: 'payments', partition: 7 },
    ]);
    expect(held.ownership).toEqual({ since: 6, owned: { orders: [0, 2] } });
    expect(numbers(held.release())).toEqual([0, 2]);
    expect(held.surrendered).toEqual([]);
  });

  it('are only the assigned ones when another member may have worked on the others', () => {
    const held = new HeldPartitions(['orders'], 'cooperative');
    held.assign({ orders: [0, 1] }, 5, false);
    expect(numbers(held.assign({ orders: [2] }, 7, false))).toEqual([2]);
    expect(held.surrendered).toEqual([]);
    held.clear();
    expect(held.ownership.owned).toEqual({});
  });
});
