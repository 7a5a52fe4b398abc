import { describe, expect, it } from '@jest/globals';
import { Assignment } from '../partition/assignment-and-tasks.js';
import { choosePartition } from './partition-choice.js';

const NOW = 1_000_000;

/** Takes runs from partitions with constant timestamps. @returns the number of runs per partition */
function countRuns(timestamps: readonly number[], runs: number): number[] {
  const candidates = timestamps.map((timestamp, partition) => ({
    assignment: new Assignment('orders', partition, 1),
    timestamp,
  }));
  const counts = timestamps.map(() => 0);
  for (let run = 1; run <= runs; run += 1) {
    const chosen = choosePartition(candidates, NOW, run);
    if (chosen === undefined) throw new Error('no partition was chosen');
    chosen.lastRun = run;
    counts[chosen.partition] = (counts[chosen.partition] ?? 0) + 1;
  }
  return counts;
}

describe('the partition to take records from', () => {
  it('is undefined without candidates', () => {
    expect(choosePartition([], NOW, 1)).toBeUndefined();
  });

  it('is the one that is furthest behind in three of four runs', () => {
    const [first = 0, behind = 0, last = 0] = countRuns([900, 100, 800], 1_200);
    expect(behind).toBeGreaterThanOrEqual(900);
    expect(Math.min(first, last)).toBeGreaterThanOrEqual(100);
  });

  it('rotates when all are equally far behind', () => {
    expect(countRuns([500, 500, 500, 500], 400)).toEqual([100, 100, 100, 100]);
  });

  it('is not always one with missing or future timestamps', () => {
    expect(countRuns([0, NOW, NOW + 5_000_000, -1], 400)).toEqual([100, 100, 100, 100]);
  });

  it('is every fourth time one with a future timestamp', () => {
    const [old, pretended] = countRuns([1, NOW + 1], 800);
    expect([old, pretended]).toEqual([600, 200]);
  });
});
