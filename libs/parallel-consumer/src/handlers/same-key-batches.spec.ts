import { describe, expect, it } from '@jest/globals';
import { anAttempt } from '../testing/an-attempt.js';
import type { OpenRecord, TakenRecord } from '../attempts/record-handler.js';
import { SameKeyBatches } from './same-key-batches.js';

const TAKEN: TakenRecord = {
  record: undefined as never,
  attempt: anAttempt(),
  report: () => undefined,
};

/** The first record of a key, with this many behind it. */
function first(behind: number): OpenRecord {
  let left = behind;
  const takeNext = (): TakenRecord | undefined => {
    left -= 1;
    return left < 0 ? undefined : TAKEN;
  };
  return { ...TAKEN, attempt: { ...TAKEN.attempt, takeNext } };
}

function firsts(count: number, behind: number): OpenRecord[] {
  return Array.from({ length: count }, () => first(behind));
}

describe('SameKeyBatches', () => {
  it('expects a batch to need as few keys as filled the earlier ones', () => {
    const batches = new SameKeyBatches(100);
    expect(batches.size).toBe(100);
    const sizes = Array.from({ length: 4 }, () => {
      expect(batches.filledFrom(firsts(10, 9))).toHaveLength(100);
      return batches.size;
    });
    expect(sizes).toEqual([50, 25, 13, 10]);
  });

  it('counts the records of the keys that the batch emptied, not of those that it had no room for', () => {
    const batches = new SameKeyBatches(100);
    // 90 keys leave room for ten more records, all of the first key.
    batches.filledFrom(firsts(90, 10));
    expect(batches.size).toBe(50);
  });

  it('does not take one busy key for many, and fills the next batch with keys again when none waits behind them', () => {
    const batches = new SameKeyBatches(100);
    batches.filledFrom([first(1_000), ...firsts(1, 0)]);
    expect(batches.size).toBe(50);
    batches.filledFrom(firsts(50, 0));
    expect(batches.size).toBe(100);
  });

  it('keeps its expectation after a batch that had no room', () => {
    const batches = new SameKeyBatches(2);
    batches.filledFrom([first(3)]);
    batches.filledFrom(firsts(2, 3));
    expect(batches.size).toBe(1);
  });
});
