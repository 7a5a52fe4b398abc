import { describe, expect, it } from '@jest/globals';
import { createSegments, type Segment } from '#orders/operation/segments.js';
import { holesOf, merged } from './number-holes.js';

function acked(count: number, ...ackedTo: number[]): Segment[] {
  return createSegments(count).map((segment, at) => Object.assign(segment, { ackedTo: ackedTo[at] ?? segment.from }));
}

describe('the number holes of an operation that was cancelled or failed', () => {
  it('are the unacknowledged numbers of all its segments', () => {
    const operation = { firstNumber: 1_001, count: 120_000, segments: acked(120_000, 20_000, 100_000, 100_500) };
    expect(holesOf(operation)).toEqual([
      { from: 21_001, to: 51_000 },
      { from: 101_501, to: 121_000 },
    ]);
  });

  it('are all numbers if nothing was acknowledged, and none if everything was', () => {
    expect(holesOf({ firstNumber: 7, count: 10, segments: createSegments(10) })).toEqual([{ from: 7, to: 16 }]);
    expect(holesOf({ firstNumber: 7, count: 10, segments: acked(10, 10) })).toEqual([]);
    expect(holesOf({ firstNumber: 7, count: 0, segments: [] })).toEqual([]);
  });

  it('are merged where they touch', () => {
    const holes = [
      { from: 20, to: 29 },
      { from: 1, to: 4 },
      { from: 5, to: 9 },
      { from: 30, to: 30 },
      { from: 32, to: 40 },
    ];
    expect(merged(holes)).toEqual([
      { from: 1, to: 9 },
      { from: 20, to: 30 },
      { from: 32, to: 40 },
    ]);
  });
});
