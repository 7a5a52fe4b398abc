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
/** As version 0.2.0 wrote it with the committed offset 5, when 6 and 7 were completed. */
const VERSION_2 = 'AgEjRWeJq83vASNFZ4mrze8FAQI=';

const committed = fc.oneof(fc.nat(1_000), fc.integer({ min: 2 ** 32 - 5, max: 2 ** 52 }));
const runs = (maxLength: number) =>
  fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 100_000 })), { maxLength });

describe('the completed offsets in commit metadata', () => {
  it('are decoded as they were encoded, also for offsets beyond 32 bits', () => {
    const property = fc.property(committed, runs(200), (offset, pairs) => {
      const ranges = toRanges(offset, pairs);
      const epochs = [
        { epoch: -1, offset },
        { epoch: 0, offset: offset + 1 },
        { epoch: 2 ** 31 - 1, offset: offset + 200 },
      ];
      expect(decodeCompletedOffsets(encodeCompletedOffsets(LOG, offset, ranges, epochs), offset)).toEqual({
        logId: LOG,
        finished: ranges,
        epochs,
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
    expect(decodeCompletedOffsets(encodeCompletedOffsets(LOG, 7, []), 7)).toMatchObject({ logId: LOG, finished: [] });
    expect(decodeCompletedOffsets('', 7)).toBeUndefined();
  });

  it('end before the records of an epoch that does not fit', () => {
    const epochs = Array.from({ length: 1_000 }, (_, epoch) => ({ epoch, offset: 7 + 10 * epoch }));
    const ranges = epochs.map(({ offset }) => ({ from: offset + 1, to: offset + 9 }));
    const text = encodeCompletedOffsets(LOG, 7, ranges, epochs);
    const read = decodeCompletedOffsets(text, 7);
    expect(text.length).toBeLessThanOrEqual(MAX_METADATA_CHARACTERS);
    expect(read).toEqual({ logId: LOG, finished: ranges.slice(0, 64), epochs: epochs.slice(0, 64) });
  });

  it('are read from metadata of version 2, which has no epochs', () => {
    expect(decodeCompletedOffsets(VERSION_2, 5)).toEqual({ logId: LOG, finished: [{ from: 6, to: 8 }], epochs: [] });
  });

  it('are unknown to members of version 0.2.0, which read version 2 only', () => {
    expect(Buffer.from(VERSION_2, 'base64')[0]).toBe(2);
    expect(Buffer.from(encodeCompletedOffsets(LOG, 5, [{ from: 6, to: 8 }]), 'base64')[0]).toBe(3);
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
      [{ epoch: 4, offset: 5 }],
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
