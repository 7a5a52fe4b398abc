import { describe, expect, it } from '@jest/globals';
import { OwnedPartitions } from './owned-partitions.js';

const numbers = (partitions: readonly { readonly partition: number }[]) => partitions.map(({ partition }) => partition);

describe('the partitions that a member owns', () => {
  it('are those of its assignment in an eager group, which it claims with the generation', () => {
    const owned = new OwnedPartitions(['orders'], 'eager');
    expect(numbers(owned.assign({ orders: [0, 1] }, 5, false))).toEqual([0, 1]);
    expect(numbers(owned.assign({ orders: [1] }, 6, true))).toEqual([1]);
    expect(owned.surrendered).toEqual([]);
    expect(owned.ownership).toEqual({ since: 6, owned: { orders: [1] } });
  });

  it('include those that it has to surrender in a cooperative group, until it has', () => {
    const owned = new OwnedPartitions(['orders', 'payments'], 'cooperative');
    owned.assign({ orders: [0, 1], payments: [7] }, 5, false);
    expect(numbers(owned.assign({ orders: [0, 2] }, 6, true))).toEqual([0, 2, 1, 7]);
    expect(owned.surrendered).toEqual([
      { topic: 'orders', partition: 1 },
      { topic: 'payments', partition: 7 },
    ]);
    expect(owned.ownership).toEqual({ since: 6, owned: { orders: [0, 2] } });
    expect(numbers(owned.release())).toEqual([0, 2]);
    expect(owned.surrendered).toEqual([]);
  });

  it('are only the assigned ones when another member may have worked on the others', () => {
    const owned = new OwnedPartitions(['orders'], 'cooperative');
    owned.assign({ orders: [0, 1] }, 5, false);
    expect(numbers(owned.assign({ orders: [2] }, 7, false))).toEqual([2]);
    expect(owned.surrendered).toEqual([]);
    owned.clear();
    expect(owned.ownership.owned).toEqual({});
  });
});
