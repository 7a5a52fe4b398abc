import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { mergedRuns, packIndexes, packRuns, unpackIndexes, unpackRuns, type NumberRun } from './number-runs.js';

const gap = fc.nat(300);
const runsOfGaps = fc
  .array(fc.tuple(gap, fc.integer({ min: -5_000, max: 2 ** 40 }), fc.integer({ min: 1, max: 100_000 })), {
    maxLength: 50,
  })
  .map((gaps) => {
    const runs: NumberRun[] = [];
    let index = 0;
    let number = 10_000_000;
    for (const [skipped, jump, count] of gaps) {
      runs.push({ from: index + skipped, first: number + jump, count });
      index += skipped + count;
      number += jump + count;
    }
    return runs;
  });

describe('packed runs', () => {
  it('are the same runs when unpacked, also if numbers go back', () => {
    fc.assert(fc.property(runsOfGaps, (runs) => expect(unpackRuns(packRuns(runs))).toEqual(runs)));
  });

  it('need a few bytes each', () => {
    const runs = Array.from({ length: 1_000 }, (_, at) => ({ from: at, first: 9_000_000_000 + 2 * at, count: 1 }));
    expect(packRuns(runs).length()).toBeLessThan(3_010);
  });

  it('keep indexes exact', () => {
    const indexes = fc.uniqueArray(fc.nat({ max: 2 ** 45 })).map((some) => some.toSorted((a, b) => a - b));
    fc.assert(fc.property(indexes, (some) => expect(unpackIndexes(packIndexes(some))).toEqual(some)));
  });
});

describe('merged runs', () => {
  it('join what follows in indexes and in numbers, and nothing else', () => {
    const runs = [
      { from: 0, first: 100, count: 5 },
      { from: 5, first: 105, count: 2 },
      { from: 7, first: 200, count: 1 },
      { from: 9, first: 201, count: 1 },
    ];
    expect(mergedRuns(runs)).toEqual([
      { from: 0, first: 100, count: 7 },
      { from: 7, first: 200, count: 1 },
      { from: 9, first: 201, count: 1 },
    ]);
  });
});
