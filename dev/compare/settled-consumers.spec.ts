import { describe, expect, it } from '@jest/globals';
import { areSettled } from './settled-consumers.js';

function consumer(...numbers: number[]) {
  const partitions = numbers.map((partition) => ({ partition, committable: 0, lagRecords: 0, lagSeconds: null }));
  return { notReadyBecause: null, partitions };
}

describe('the consumers of a way', () => {
  it('are settled when each owns its share, and every partition has an owner', () => {
    expect(areSettled([consumer(0, 1, 2, 3)], 1, 4)).toBe(true);
    expect(areSettled([consumer(0, 2), consumer(1, 3)], 2, 4)).toBe(true);
  });

  it.each([
    ['one is missing', [consumer(0, 1, 2, 3)]],
    ['one owns nothing yet', [consumer(0, 1, 2, 3), consumer()]],
    ['two report the same partition', [consumer(0, 1), consumer(1, 2)]],
    ['one still reports revoked partitions', [consumer(0, 1, 2, 3), consumer(2, 3)]],
    ['a partition has no owner', [consumer(0, 1), consumer(2)]],
    ['one is not ready', [consumer(0, 1), { ...consumer(2, 3), notReadyBecause: 'joining' }]],
    ['one belongs to another way', [consumer(0, 1), consumer(2, 3), consumer()]],
  ])('are not settled when %s', (_, heartbeats) => {
    expect(areSettled(heartbeats, 2, 4)).toBe(false);
  });
});
