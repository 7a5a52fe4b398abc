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

const told = ({ kind, lastsMs, isTogether, draw }: PlannedFault) => [
  kind.name,
  lastsMs,
  isTogether,
  draw(100),
  draw(100),
];

describe('a schedule of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(first(30, 7).map(told)).toEqual(first(30, 7).map(told));
    expect(first(30, 7).map(told)).not.toEqual(first(30, 8).map(told));
  });

  it('has every kind once before any comes again, in another order each time', () => {
    const names = first(12, 7).map(({ kind }) => kind.name);
    expect(names.slice(0, 6).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(names.slice(6).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(names.slice(6)).not.toEqual(names.slice(0, 6));
  });

  it('lets them last as long as their kind may, and some come together', () => {
    const all = first(600, 7);
    expect(all.every(({ lastsMs }) => lastsMs >= 1_000 && lastsMs <= 5_000)).toBe(true);
    expect(all[0]?.isTogether).toBe(false);
    const together = all.filter(({ isTogether }) => isTogether).length;
    expect(together).toBeGreaterThan(100);
    expect(together).toBeLessThan(200);
  });

  it('refuses to be made of nothing', () => {
    expect(() => schedule(1, []).next()).toThrow('no kind of fault');
  });
});
