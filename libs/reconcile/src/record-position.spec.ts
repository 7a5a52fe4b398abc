import { describe, expect, it } from '@jest/globals';
import type { IndexFaults } from '#orders/operation/fault-mix.js';
import type { Order } from '#orders/order/order.js';
import { plannedRecords } from '#orders/operation/planned-records.js';
import { recordPositions } from './record-position.js';

const order = (accountId: string): Order => ({ accountId }) as Order;
const faultsAt = (index: number): IndexFaults => ({ instead: undefined, extras: index === 12 ? ['conflict'] : [] });

describe('position of a chunk’s record', () => {
  const orders = ['1', '2', '1', '1', '2'].map(order);
  const records = plannedRecords(orders, 10, faultsAt).map(({ index, fault, order: { accountId } }) => ({
    index,
    fault,
    partition: Number(accountId),
  }));

  it('is found by counting on each partition, extra records included', () => {
    const parts = [
      { partition: 1, records: 4, baseOffset: 100 },
      { partition: 2, records: 2, baseOffset: 7 },
    ];
    const positionOf = recordPositions(parts, records);
    expect([10, 11, 12, 13, 14].map((index) => positionOf(index, undefined)?.offset)).toEqual([100, 7, 101, 103, 8]);
    expect(positionOf(12, 'conflict')).toEqual({ partition: 1, offset: 102 });
  });

  it('continues in the next part of a partition that was sent in several parts', () => {
    const parts = [
      { partition: 1, records: 1, baseOffset: 100 },
      { partition: 2, records: 2, baseOffset: -1 },
      { partition: 1, records: 3, baseOffset: 500 },
    ];
    const positionOf = recordPositions(parts, records);
    expect([10, 12, 13].map((index) => positionOf(index, undefined)?.offset)).toEqual([100, 500, 502]);
    expect(positionOf(11, undefined)).toEqual({ partition: 2, offset: null });
  });

  it('is unknown for a record that the acknowledgement does not cover', () => {
    const parts = [{ partition: 1, records: 4, baseOffset: 100 }];
    const positionOf = recordPositions(parts, records);
    expect(positionOf(11, undefined)).toBeUndefined();
  });
});
