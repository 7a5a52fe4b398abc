import { describe, expect, it } from '@jest/globals';
import { partitionsOf } from './chunk-positions.js';

const earlier = [
  { partitions: 2, ends: [100, 50], until: new Date(0) },
  { partitions: 3, ends: [150, 50, 20], until: new Date(1) },
];
const COUNTS = { partitions: 6, earlier };
const part = (partition: number, baseOffset: number) => ({ partition, baseOffset, records: 1 });

describe('the partition count under which a chunk was written', () => {
  it('is the stored one', () => {
    expect(partitionsOf({ partitions: 3, parts: [part(0, 7)] }, COUNTS)).toBe(3);
  });

  it.each<[string, ReturnType<typeof part>[], number]>([
    ['below the ends of the first count', [part(1, 49)], 2],
    ['behind them', [part(0, 100)], 3],
    ['on a partition that was added', [part(2, 19)], 3],
    ['behind all ends', [part(0, 150)], 6],
    ['known of one part only', [part(0, -1), part(1, 49)], 2],
    ['unknown, in a chunk that is older than all expansions', [part(0, -1)], 2],
  ])('follows from an offset %s', (_, parts, count) => {
    expect(partitionsOf({ parts }, COUNTS)).toBe(count);
  });

  it('is that of the topic if it never changed', () => {
    expect(partitionsOf({ parts: [part(0, -1)] }, { partitions: 6, earlier: [] })).toBe(6);
  });
});
