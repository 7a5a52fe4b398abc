import { describe, expect, it } from '@jest/globals';
import type { ChunkPart } from '#orders/operation/acknowledged-chunks.js';
import type { IndexFaults } from '#orders/generator/fault-mix.js';
import { plannedRecords } from '#orders/operation/order-source.js';
import { anOrder } from '#orders/testing/an-order.js';
import { partitionsOf, recordPositions } from './record-positions.js';

const part = (partition: number, records: number, baseOffset: number): ChunkPart => ({
  partition,
  records,
  baseOffset,
});

function faultsAt(index: number): IndexFaults {
  return { instead: undefined, extras: index === 12 ? ['conflict'] : [] };
}

describe('the position of a record of a chunk', () => {
  const orders = ['1', '2', '1', '1', '2'].map((accountId) => anOrder({ accountId }));
  const records = plannedRecords(orders, 10, faultsAt).map(({ index, fault, order: { accountId } }) => ({
    index,
    fault,
    partition: Number(accountId),
  }));

  it('is found by counting on each partition, extra records included', () => {
    const positionOf = recordPositions([part(1, 4, 100), part(2, 2, 7)], records);
    expect([10, 11, 12, 13, 14].map((index) => positionOf(index, undefined)?.offset)).toEqual([100, 7, 101, 103, 8]);
    expect(positionOf(12, 'conflict')).toEqual({ partition: 1, offset: 102 });
  });

  it('continues in the next part of a partition that was sent in several parts', () => {
    const positionOf = recordPositions([part(1, 1, 100), part(2, 2, -1), part(1, 3, 500)], records);
    expect([10, 12, 13].map((index) => positionOf(index, undefined)?.offset)).toEqual([100, 500, 502]);
    expect(positionOf(11, undefined)).toEqual({ partition: 2, offset: null });
  });

  it('is unknown for a record that the acknowledgement does not cover', () => {
    expect(recordPositions([part(1, 4, 100)], records)(11, undefined)).toBeUndefined();
  });
});

describe('the partition count under which a chunk was written', () => {
  const earlier = [
    { partitions: 2, ends: [100, 50], until: new Date(0) },
    { partitions: 3, ends: [150, 50, 20], until: new Date(1) },
  ];

  it.each<[string, ChunkPart[], number]>([
    ['is the first one below its ends', [part(1, 1, 49)], 2],
    ['is the next one behind them', [part(0, 1, 100)], 3],
    ['is the next one on a partition that was added', [part(2, 1, 19)], 3],
    ['is that of the topic behind all ends', [part(0, 1, 150)], 6],
    ['is found by the part whose offset is known', [part(0, 1, -1), part(1, 1, 49)], 2],
    ['is the first one without an offset: the chunk is older than all expansions', [part(0, 1, -1)], 2],
  ])('%s', (_, parts, count) => {
    expect(partitionsOf({ parts }, { partitions: 6, earlier })).toBe(count);
  });

  it('is the stored one, or that of the topic if it never changed', () => {
    expect(partitionsOf({ partitions: 3, parts: [part(0, 1, 7)] }, { partitions: 6, earlier })).toBe(3);
    expect(partitionsOf({ parts: [part(0, 1, -1)] }, { partitions: 6, earlier: [] })).toBe(6);
  });
});
