import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeCompletedOffsets, encodeCompletedOffsets, MAX_METADATA_CHARACTERS } from './completed-offsets.js';
import type { OffsetRange } from '../partition/offset-tracker.js';

/** Converts pairs of run lengths to ascending, disjoint ranges beyond an offset. */
function toRanges(committed: number, runs: readonly (readonly [number, number])[]): OffsetRange[] {
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

describe('the completed offsets in commit metadata', () => {
  it('are decoded as they were encoded, also for offsets beyond 32 bits', () => {
    const property = fc.property(committed, runs(200), (offset, pairs) => {
      const ranges = toRanges(offset, pairs);
      expect(decodeCompletedOffsets(encodeCompletedOffsets(LOG, offset, ranges), offset)).toEqual({
        logId: LOG,
        finished: ranges,
      });
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('never exceed the metadata limit, and are cut to the longest prefix that fits', () => {
    const property = fc.property(committed, runs(3_000), (offset, pairs) => {
      const ranges = toRanges(offset, pairs);
      const text = encodeCompletedOffsets(LOG, offset, ranges);
      const read = decodeCompletedOffsets(text, offset)?.finished ?? [];
      expect(text.length).toBeLessThanOrEqual(MAX_METADATA_CHARACTERS);
      expect(read).toEqual(ranges.slice(0, read.length));
      // One more range takes at most five bytes here, and base64 encodes three bytes as four characters.
      expect(read.length === ranges.length || text.length > MAX_METADATA_CHARACTERS - 12).toBe(true);
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('contain the log id, also when nothing is completed beyond the offset', () => {
    expect(decodeCompletedOffsets(encodeCompletedOffsets(LOG, 7, []), 7)).toEqual({ logId: LOG, finished: [] });
    expect(decodeCompletedOffsets('', 7)).toBeUndefined();
  });

  it('are ignored when they were committed with another offset', () => {
    const property = fc.property(committed, committed, runs(20), (offset, other, pairs) => {
      fc.pre(offset !== other);
      expect(
        decodeCompletedOffsets(encodeCompletedOffsets(LOG, offset, toRanges(offset, pairs)), other),
      ).toBeUndefined();
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('contain no wrong range when they are truncated', () => {
    const text = encodeCompletedOffsets(
      LOG,
      5,
      toRanges(5, [
        [1, 2_000],
        [3, 400],
      ]),
    );
    for (let length = 1; length < text.length; length += 1)
      for (const { from } of decodeCompletedOffsets(text.slice(0, length), 5)?.finished ?? []) expect(from).toBe(6);
    expect(decodeCompletedOffsets(text.slice(0, -2), 5)).toBeUndefined();
  });

  it('are ignored when another tool wrote the metadata, and never make the decoder throw', () => {
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
