import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { OffsetFrontier } from './offset-frontier.js';

function frontierOf(...offsets: number[]): OffsetFrontier<number> {
  const frontier = new OffsetFrontier<number>();
  for (const offset of offsets) frontier.received(offset, offset);
  return frontier;
}

describe('the offset frontier', () => {
  it('stays at the oldest unfinished record, however many after it are complete', () => {
    const frontier = frontierOf(10, 11, 12);
    frontier.complete(11);
    frontier.complete(12);
    expect(frontier.committable).toBe(10);
  });

  it('jumps over all that is complete once the oldest is', () => {
    const frontier = frontierOf(10, 11, 12);
    frontier.complete(11);
    frontier.complete(10);
    expect(frontier.committable).toBe(12);
  });

  it('passes gaps that compaction or transactions left', () => {
    const frontier = frontierOf(3, 9, 40);
    for (const offset of [3, 9, 40]) frontier.complete(offset);
    frontier.skipTo(50);
    expect(frontier.committable).toBe(50);
  });

  it('does not skip an unfinished record when the fetch reached further', () => {
    const frontier = frontierOf(3);
    frontier.skipTo(50);
    expect(frontier.committable).toBe(3);
  });

  it('tells what is finished beyond it, gaps included', () => {
    const frontier = frontierOf(3, 4, 9, 40, 41);
    for (const offset of [4, 40]) frontier.complete(offset);
    expect([...frontier.finishedBeyond()]).toEqual([
      { from: 4, to: 9 },
      { from: 10, to: 41 },
    ]);
  });

  it('knows what was finished before the partition was its own, until it has passed that', () => {
    const frontier = new OffsetFrontier<number>();
    frontier.begin(10, [
      { from: 12, to: 14 },
      { from: 20, to: 30 },
    ]);
    expect([10, 11, 12, 13, 14, 25].map((offset) => frontier.wasFinishedBefore(offset))).toEqual([
      false,
      false,
      true,
      true,
      false,
      true,
    ]);
    frontier.received(15, 15);
    expect([...frontier.finishedBeyond()]).toEqual([{ from: 20, to: 30 }]);
  });

  it('refuses a record that arrives twice', () => {
    expect(() => frontierOf(5).received(5, 5)).toThrow(RangeError);
  });

  it('never passes unfinished work and ends past all of it, in any order of completion', () => {
    const arrivals = fc.uniqueArray(fc.nat(10_000), { minLength: 1, maxLength: 200 });
    const property = fc.property(arrivals, fc.infiniteStream(fc.nat()), (unsorted, picks) => {
      const offsets = unsorted.toSorted((a, b) => a - b);
      const frontier = frontierOf(...offsets);
      const open = [...offsets];
      while (open.length > 0) {
        const at = (picks.next().value ?? 0) % open.length;
        frontier.complete(open.splice(at, 1)[0] ?? -1);
        expect(frontier.committable).toBe(open[0] ?? frontier.next);
      }
      expect(frontier.span).toBe(0);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
