import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeCompletedOffsets, encodeCompletedOffsets, MAX_METADATA_CHARACTERS } from './completed-offsets.js';
import type { OffsetRange } from './offset-tracker.js';

/** Ascending, disjoint ranges beyond an offset, from pairs of run lengths. */
function rangesFrom(committed: number, runs: readonly (readonly [number, number])[]): OffsetRange[] {
  let at = committed;
  return runs.map(([unfinished, finished]) => {
    const from = at + unfinished;
    at = from + finished;
    return { from, to: at };
  });
}

const LOG = '0123456789abcdef'.repeat(2);

const committed = fc.oneof(fc.nat(1_000), fc.integer({ min: 2 ** 32 - 5, max: 2 ** 52 }));
const runs = (maxLength: number) =>
  fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 100_000 })), { maxLength });

describe('the map of what is finished beyond a commit', () => {
  it('comes back as it was written, also for offsets beyond 32 bits', () => {
    const property = fc.property(committed, runs(200), (offset, pairs) => {
      const ranges = rangesFrom(offset, pairs);
      expect(decodeCompletedOffsets(encodeCompletedOffsets(LOG, offset, ranges), offset)).toEqual({
        logId: LOG,
        finished: ranges,
      });
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('never passes the metadata limit, and holds the longest prefix that fits', () => {
    const property = fc.property(committed, runs(3_000), (offset, pairs) => {
      const ranges = rangesFrom(offset, pairs);
      const text = encodeCompletedOffsets(LOG, offset, ranges);
      const read = decodeCompletedOffsets(text, offset)?.finished ?? [];
      expect(text.length).toBeLessThanOrEqual(MAX_METADATA_CHARACTERS);
      expect(read).toEqual(ranges.slice(0, read.length));
      // One more range takes five bytes here at the most, and three bytes are four characters.
      expect(read.length === ranges.length || text.length > MAX_METADATA_CHARACTERS - 12).toBe(true);
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('says which log it is of, also when nothing is finished beyond', () => {
    expect(decodeCompletedOffsets(encodeCompletedOffsets(LOG, 7, []), 7)).toEqual({ logId: LOG, finished: [] });
    expect(decodeCompletedOffsets('', 7)).toBeUndefined();
  });

  it('says nothing about any other offset than its own', () => {
    const property = fc.property(committed, committed, runs(20), (offset, other, pairs) => {
      fc.pre(offset !== other);
      expect(
        decodeCompletedOffsets(encodeCompletedOffsets(LOG, offset, rangesFrom(offset, pairs)), other),
      ).toBeUndefined();
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('says nothing when it is torn', () => {
    const text = encodeCompletedOffsets(
      LOG,
      5,
      rangesFrom(5, [
        [1, 2_000],
        [3, 400],
      ]),
    );
    for (let length = 1; length < text.length; length += 1)
      for (const { from } of decodeCompletedOffsets(text.slice(0, length), 5)?.finished ?? []) expect(from).toBe(6);
    expect(decodeCompletedOffsets(text.slice(0, -2), 5)).toBeUndefined();
  });

  it('says nothing when the text is another tool’s, and never throws', () => {
    for (const foreign of ['some consumer, 2024-01-01', '{"owner":"b"}', 'AQ==', 'AgUBAg==', '\u0000', '💸'])
      expect(decodeCompletedOffsets(foreign, 5)).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), fc.nat(), (text, offset) => {
        for (const { from, to } of decodeCompletedOffsets(text, offset)?.finished ?? [])
          expect(to).toBeGreaterThanOrEqual(from);
      }),
      { numRuns: 500 },
    );
  });
});
