import { describe, expect, it } from '@jest/globals';
import { createSegments, type Segment } from '../operation/segments.js';
import { ackedBlocks } from './acked-blocks.js';

function acked(count: number, acknowledged: readonly number[]): Segment[] {
  return createSegments(count).map((segment, at) =>
    Object.assign(segment, { ackedTo: segment.from + (acknowledged[at] ?? 0) }),
  );
}

describe('the acknowledged blocks of an operation', () => {
  it('are blocks of 100,000 indexes and a shorter last one, whatever the segments are', () => {
    expect(ackedBlocks(acked(220_000, [50_000, 50_000, 50_000, 50_000, 20_000]))).toEqual([
      { from: 0, ranges: [{ from: 0, to: 100_000 }] },
      { from: 100_000, ranges: [{ from: 100_000, to: 200_000 }] },
      { from: 200_000, ranges: [{ from: 200_000, to: 220_000 }] },
    ]);
  });

  it('have only what was acknowledged before a cancellation', () => {
    expect(ackedBlocks(acked(220_000, [7, 10, 0, 50_000]))).toEqual([
      {
        from: 0,
        ranges: [
          { from: 0, to: 7 },
          { from: 50_000, to: 50_010 },
        ],
      },
      { from: 100_000, ranges: [{ from: 150_000, to: 200_000 }] },
    ]);
  });

  it('are none before anything is acknowledged', () => {
    expect(ackedBlocks(acked(220_000, []))).toEqual([]);
  });
});
