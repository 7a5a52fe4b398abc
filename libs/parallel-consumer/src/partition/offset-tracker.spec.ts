import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { OffsetTracker, type TrackedRecord } from './offset-tracker.js';

class Entry implements TrackedRecord<Entry> {
  older: Entry | undefined;
  newer: Entry | undefined;
  constructor(readonly offset: number) {}
}

function createTracker(...offsets: number[]) {
  const tracker = new OffsetTracker<Entry>();
  const entries = new Map(offsets.map((offset) => [offset, new Entry(offset)]));
  for (const entry of entries.values()) tracker.received(entry);
  const complete = (...done: number[]): void => {
    for (const offset of done) tracker.complete(entries.get(offset) as Entry);
  };
  return { tracker, complete };
}

describe('OffsetTracker', () => {
  it('stays at the oldest unfinished record, regardless of later complete ones', () => {
    const { tracker, complete } = createTracker(10, 11, 12);
    complete(11);
    complete(12);
    expect(tracker.committable).toBe(10);
  });

  it('advances past all complete records once the oldest is complete', () => {
    const { tracker, complete } = createTracker(10, 11, 12);
    complete(11);
    complete(10);
    expect(tracker.committable).toBe(12);
  });

  it('advances over gaps from compaction and transactions', () => {
    const { tracker, complete } = createTracker(3, 9, 40);
    complete(3, 9, 40);
    tracker.skipTo(50);
    expect(tracker.committable).toBe(50);
  });

  it('does not skip an unfinished record when the fetch reached further', () => {
    const { tracker } = createTracker(3);
    tracker.skipTo(50);
    expect(tracker.committable).toBe(3);
  });

  it('returns the completed offsets beyond the committable one, including gaps', () => {
    const { tracker, complete } = createTracker(3, 4, 9, 40, 41);
    complete(4, 40);
    expect([...tracker.completedBeyond()]).toEqual([
      { from: 4, to: 9 },
      { from: 10, to: 41 },
    ]);
  });

  it('returns the offsets that a previous owner completed, until it has passed them', () => {
    const tracker = new OffsetTracker<Entry>();
    tracker.begin(10, [
      { from: 12, to: 14 },
      { from: 20, to: 30 },
    ]);
    expect([10, 11, 12, 13, 14, 25].map((offset) => tracker.wasCompletedBefore(offset))).toEqual([
      false,
      false,
      true,
      true,
      false,
      true,
    ]);
    tracker.received(new Entry(15));
    expect([...tracker.completedBeyond()]).toEqual([{ from: 20, to: 30 }]);
  });

  it('forgets which offsets a previous owner completed, from an offset on', () => {
    const tracker = new OffsetTracker<Entry>();
    tracker.begin(10, [
      { from: 12, to: 14 },
      { from: 20, to: 30 },
    ]);
    expect(tracker.forgetCompletedFrom(30)).toBe(false);
    expect(tracker.forgetCompletedFrom(25)).toBe(true);
    tracker.received(new Entry(11));
    expect([...tracker.completedBeyond()]).toEqual([
      { from: 12, to: 14 },
      { from: 20, to: 25 },
    ]);
    expect(tracker.forgetCompletedFrom(13)).toBe(true);
    expect([12, 13, 24].map((offset) => tracker.wasCompletedBefore(offset))).toEqual([true, false, false]);
  });

  it('rejects a record that is received twice', () => {
    expect(() => createTracker(5).tracker.received(new Entry(5))).toThrow(RangeError);
  });

  it('never passes an unfinished record and ends after the last one, in any order of completion', () => {
    const arrivals = fc.uniqueArray(fc.nat(10_000), { minLength: 1, maxLength: 200 });
    const property = fc.property(arrivals, fc.infiniteStream(fc.nat()), (unsorted, picks) => {
      const offsets = unsorted.toSorted((a, b) => a - b);
      const { tracker, complete } = createTracker(...offsets);
      const open = [...offsets];
      while (open.length > 0) {
        const at = (picks.next().value ?? 0) % open.length;
        complete(open.splice(at, 1)[0] ?? -1);
        expect(tracker.committable).toBe(open[0] ?? tracker.next);
      }
      expect(tracker.span).toBe(0);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
