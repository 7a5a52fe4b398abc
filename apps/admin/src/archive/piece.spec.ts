import { describe, expect, it } from '@jest/globals';
import { Binary } from 'mongodb';
import { packIndexes, packRuns } from '#orders/settled/number-runs.js';
import type { SettledBlock } from '#orders/settled/settled-blocks.js';
import { numberGroups } from './number-groups.js';
import { pieceOf } from './piece.js';

const VERIFIED_AT = new Date('2026-01-15T12:00:00Z');

/** The batches of an intake, the second of which has lower numbers than the first. */
const BLOCK: SettledBlock = {
  _id: { operationId: 'day', from: 0 },
  to: 20,
  first: 10,
  last: 309,
  runs: packRuns([
    { from: 5, first: 300, count: 10 },
    { from: 15, first: 10, count: 5 },
  ]),
  absent: packIndexes([6, 7]),
  count: 15,
  saved: 13,
  discarded: 1,
  skipped: 1,
  faults: { poison: 0, oversized: 0, duplicate: 0, conflict: 0 },
  digest: new Binary(Buffer.alloc(32, 7)),
  positions: [],
  ends: [],
  verifiedAt: VERIFIED_AT,
  isCompacted: true,
};

describe('the piece of a settled block', () => {
  it('has its numbers in the order of their indexes, and what has no order', () => {
    expect(pieceOf({ kind: 'intake' }, BLOCK)).toEqual({
      operationId: 'day',
      kind: 'intake',
      from: 5,
      runs: [
        { first: 300, last: 309 },
        { first: 10, last: 14 },
      ],
      ends: { first: 10, last: 309 },
      discarded: 1,
      elsewhere: 1,
      digest: Buffer.alloc(32, 7),
      verifiedAt: VERIFIED_AT,
    });
  });

  it('is read in that order: a query, which sorts by number, has no runs that go back', () => {
    const { runs } = pieceOf({ kind: 'intake' }, BLOCK);
    expect([...numberGroups(runs)].map(({ size }) => size)).toEqual([10, 5]);
    expect([...numberGroups(runs.toReversed())].map(({ size }) => size)).toEqual([15]);
  });
});
