import { describe, expect, it } from '@jest/globals';
import { ackedOrders, ackedRanges, firstUnacked, generatedOrders, createSegments, type Segment } from './segments.js';

/** Returns the segments of 120,000 orders, acknowledged up to these indexes. */
function acknowledged(...ackedTo: number[]): Segment[] {
  const segments: Segment[] = [];
  for (const [at, segment] of createSegments(120_000).entries()) {
    const to = ackedTo[at] ?? segment.from;
    const generatedTo = Math.min(segment.to, to + 1);
    segments.push({ ...segment, ackedTo: to, generatedTo, isDone: to === segment.to });
  }
  return segments;
}

describe('segments of an operation', () => {
  it('cover its indexes without gaps', () => {
    expect(createSegments(120_000).map(({ from, to }) => [from, to])).toEqual([
      [0, 50_000],
      [50_000, 100_000],
      [100_000, 120_000],
    ]);
    expect(createSegments(1).map(({ from, to }) => [from, to])).toEqual([[0, 1]]);
    expect(createSegments(0)).toEqual([]);
  });

  it('give the acknowledged indexes as few ranges', () => {
    expect(ackedRanges(acknowledged(50_000, 70_000, 110_000))).toEqual([
      { from: 0, to: 70_000 },
      { from: 100_000, to: 110_000 },
    ]);
    expect(ackedRanges(acknowledged(0, 50_000))).toEqual([]);
  });

  it('give the sums of generated and acknowledged orders', () => {
    const segments = acknowledged(50_000, 70_000, 110_000);
    expect([ackedOrders(segments), generatedOrders(segments)]).toEqual([80_000, 80_002]);
  });

  it('give the index at which the emission resumes', () => {
    expect(firstUnacked(acknowledged(50_000, 70_000, 110_000))).toBe(70_000);
    expect(firstUnacked(acknowledged(50_000, 100_000, 120_000))).toBeUndefined();
  });
});
