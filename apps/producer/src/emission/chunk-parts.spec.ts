import { describe, expect, it } from '@jest/globals';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import { chunkParts } from './chunk-parts.js';

const records = (...partitions: number[]): OutgoingRecord[] =>
  partitions.map((partition) => ({ partition, key: null, value: null, headers: {} }));

describe('the parts of chunks that were sent together', () => {
  it('are consecutive in each partition', () => {
    const acknowledged = [
      { partition: 0, records: 3, baseOffset: 100 },
      { partition: 1, records: 2, baseOffset: 7 },
    ];
    expect(chunkParts([records(0, 1, 0), records(1, 0)], acknowledged)).toEqual([
      [
        { partition: 0, records: 2, baseOffset: 100 },
        { partition: 1, records: 1, baseOffset: 7 },
      ],
      [
        { partition: 1, records: 1, baseOffset: 8 },
        { partition: 0, records: 1, baseOffset: 102 },
      ],
    ]);
  });

  it('go on with the next batch of a partition', () => {
    const acknowledged = [
      { partition: 0, records: 2, baseOffset: 100 },
      { partition: 0, records: 2, baseOffset: 500 },
    ];
    expect(chunkParts([records(0), records(0, 0, 0)], acknowledged)).toEqual([
      [{ partition: 0, records: 1, baseOffset: 100 }],
      [
        { partition: 0, records: 1, baseOffset: 101 },
        { partition: 0, records: 2, baseOffset: 500 },
      ],
    ]);
  });

  it('have no offset where Kafka recognised a duplicate', () => {
    expect(chunkParts([records(0), records(0)], [{ partition: 0, records: 2, baseOffset: -1 }])).toEqual([
      [{ partition: 0, records: 1, baseOffset: -1 }],
      [{ partition: 0, records: 1, baseOffset: -1 }],
    ]);
  });

  it('must all be acknowledged', () => {
    expect(() => chunkParts([records(0, 0)], [{ partition: 0, records: 1, baseOffset: 1 }])).toThrow(
      '1 records are not acknowledged',
    );
  });
});
