import { describe, expect, it } from '@jest/globals';
import { Assignment } from '../assignment.js';
import { nextToDrain } from './even-draining.js';

const NOW = 1_000_000;

/** Takes runs from partitions with these timestamps, none of which ever ends. @returns how many each got */
function runsOf(timestamps: readonly number[], runs: number): number[] {
  const candidates = timestamps.map((timestamp, partition) => ({
    assignment: new Assignment('orders', partition),
    timestamp,
  }));
  const counts = timestamps.map(() => 0);
  for (let run = 1; run <= runs; run += 1) {
    const chosen = nextToDrain(candidates, NOW, run);
    if (chosen === undefined) throw new Error('none was chosen');
    chosen.lastRun = run;
    counts[chosen.partition] = (counts[chosen.partition] ?? 0) + 1;
  }
  return counts;
}

describe('the partition to take from', () => {
  it('is none when there is none', () => {
    expect(nextToDrain([], NOW, 1)).toBeUndefined();
  });

  it('is the one that is furthest behind, three times of four', () => {
    const [first = 0, behind = 0, last = 0] = runsOf([900, 100, 800], 1_200);
    expect(behind).toBeGreaterThanOrEqual(900);
    expect(Math.min(first, last)).toBeGreaterThanOrEqual(100);
  });

  it('changes by turns where all are equally far', () => {
    expect(runsOf([500, 500, 500, 500], 400)).toEqual([100, 100, 100, 100]);
  });

  it('is not always one whose records have no time, or one from the future', () => {
    expect(runsOf([0, NOW, NOW + 5_000_000, -1], 400)).toEqual([100, 100, 100, 100]);
  });

  it('is also one that pretends to be new, in its turn', () => {
    const [old, pretended] = runsOf([1, NOW + 1], 800);
    expect([old, pretended]).toEqual([600, 200]);
  });
});
