import { describe, expect, it } from '@jest/globals';
import { toMarks } from './chart-marks.js';

const NOTHING = { from: null, to: null, before: null, after: null, verdict: null };

describe('chart marks', () => {
  it('have the time of a change, and a label with its kind and effect', () => {
    const one = { consumers: 1, inFlight: 1_000 };
    const four = { consumers: 4, inFlight: 1_000 };
    const verdict = { outcome: 'faster' as const, factor: 3.87, bound: null, text: 'x3.87, helped' };
    const marks = toMarks(
      [
        { ...NOTHING, kind: 'scaling', secondsAgo: 40, from: one, to: four, verdict },
        { ...NOTHING, kind: 'scaling', secondsAgo: 20, from: four, to: { consumers: 4, inFlight: 'auto' } },
        { ...NOTHING, kind: 'rebalance', secondsAgo: 3 },
      ],
      1_000,
    );
    expect(marks).toEqual([
      { at: 960, kind: 'scaling', label: '1→4 x3.9' },
      { at: 980, kind: 'scaling', label: '1000→auto in flight' },
      { at: 997, kind: 'rebalance', label: '' },
    ]);
  });
});
