import { describe, expect, it } from '@jest/globals';
import { isBefore, type PlacedLetter } from './replayed-letters.js';

const BLOCK = { _id: { operationId: 'one', from: 100 }, to: 200, ends: [50, 70] };

function letter(change: { operationId?: string | null; index?: number | null; partition?: number; offset?: number }) {
  const { operationId = 'one', index = 150, partition = 1, offset = 69 } = change;
  return {
    operationId,
    index,
    origin: { topic: 'orders.v1', partition, offset, timestamp: new Date(0) },
  } satisfies PlacedLetter;
}

describe('a letter of a settled block', () => {
  it('is a replayed one if its record was written before the block was verified', () => {
    expect(isBefore(letter({}), BLOCK)).toBe(true);
  });

  it.each([
    ['a record that was written later', letter({ offset: 70 })],
    ['a partition that was added later', letter({ partition: 2, offset: 0 })],
    ['another operation', letter({ operationId: 'two' })],
    ['no operation', letter({ operationId: null })],
    ['an index before the block', letter({ index: 99 })],
    ['an index behind the block', letter({ index: 200 })],
    ['an unknown index', letter({ index: null })],
  ])('is a new one with %s', (_, other) => {
    expect(isBefore(other, BLOCK)).toBe(false);
  });
});
