import { describe, expect, it } from '@jest/globals';
import type { FaultKind } from './fault.js';
import { schedule, type PlannedFault } from './schedule.js';

const KINDS: FaultKind[] = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({
  name,
  lastsMs: [1_000, 5_000],
  make: async () => Promise.reject(new Error('is not made here')),
}));

function first(count: number, seed: number): PlannedFault[] {
  const faults = schedule(seed, KINDS);
  return Array.from({ length: count }, () => faults.next().value as PlannedFault);
}

const toFields = ({ kind, lastsMs, isTogether, draw }: PlannedFault) => [
  kind.name,
  lastsMs,
  isTogether,
  draw(100),
  draw(100),
];

describe('a fault schedule', () => {
  it('depends on the seed alone', () => {
    expect(first(30, 7).map(toFields)).toEqual(first(30, 7).map(toFields));
    expect(first(30, 7).map(toFields)).not.toEqual(first(30, 8).map(toFields));
  });

  it('contains every kind once per round, in a new order each round', () => {
    const names = first(12, 7).map(({ kind }) => kind.name);
    expect(names.slice(0, 6).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(names.slice(6).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(names.slice(6)).not.toEqual(names.slice(0, 6));
  });

  it('draws durations within the limits of the kind, and makes some faults simultaneous', () => {
    const all = first(600, 7);
    expect(all.every(({ lastsMs }) => lastsMs >= 1_000 && lastsMs <= 5_000)).toBe(true);
    expect(all[0]?.isTogether).toBe(false);
    const together = all.filter(({ isTogether }) => isTogether).length;
    expect(together).toBeGreaterThan(100);
    expect(together).toBeLessThan(200);
  });

  it('rejects an empty list of kinds', () => {
    expect(() => schedule(1, []).next()).toThrow('no kind of fault');
  });
});
