import { describe, expect, it } from '@jest/globals';
import { placeMarks, toMarks, type Mark } from './chart-marks.js';

const NOTHING = { secondsAgo: 0, from: null, to: null, before: null, after: null, verdict: null, crash: null };

describe('chart marks', () => {
  it('have the time of a change, and a label with its kind and effect', () => {
    const one = { consumers: 1, inFlight: 1_000 };
    const four = { consumers: 4, inFlight: 1_000 };
    const verdict = { outcome: 'faster' as const, factor: 3.87, bound: null, text: 'x3.87, helped' };
    const auto = { consumers: 4, inFlight: 'auto' as const };
    const crash = { consumer: 'consumer-3', partitions: 4, reassignedAfterSeconds: 9, hasReturned: false };
    const marks = toMarks([
      { ...NOTHING, kind: 'scaling', at: '1970-01-01T00:16:00Z', from: one, to: four, verdict },
      { ...NOTHING, kind: 'scaling', at: '1970-01-01T00:16:20Z', from: four, to: auto },
      { ...NOTHING, kind: 'rebalance', at: '1970-01-01T00:16:37Z' },
      { ...NOTHING, kind: 'crash', at: '1970-01-01T00:16:38.500Z', crash },
    ]);
    expect(marks).toEqual([
      { at: 960, kind: 'scaling', label: '1→4 consumers x3.9' },
      { at: 980, kind: 'scaling', label: '1,000→auto in flight' },
      { at: 997, kind: 'rebalance', label: 'rebalance' },
      { at: 998.5, kind: 'crash', label: 'consumer-3 died' },
    ]);
  });
});

/** Marks at these times. */
function marksAt(...times: number[]): Mark[] {
  return times.map((at) => ({ at, kind: 'rebalance', label: 'rebalance' }));
}

describe('placing chart marks', () => {
  const space = { left: 50, right: 650, toX: (at: number) => at, widthOf: () => 88 };

  it('puts labels that would overlap below each other, and leaves out those without room', () => {
    const placed = placeMarks(marksAt(100, 110, 120, 130, 140, 205), space);
    expect(placed.map(({ row }) => row)).toEqual([0, 1, 2, 3, null, 0]);
    expect(placed.map(({ x }) => x)).toEqual([100, 110, 120, 130, 140, 205]);
  });

  it('puts the label to the left of a line near the right edge', () => {
    expect(placeMarks(marksAt(600), space)).toMatchObject([{ x: 600, labelX: 506 }]);
  });

  it('leaves out marks beyond the edges', () => {
    expect(placeMarks(marksAt(49, 651), space)).toEqual([]);
  });
});
