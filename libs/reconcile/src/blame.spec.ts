import { describe, expect, it } from '@jest/globals';
import { pendingBlame, type GroupPositions } from './blame.js';

const at = (committed: number, end: number, lettersAreProjected = true): GroupPositions => ({
  committed: new Map([[3, committed]]),
  ends: new Map([[3, end]]),
  lettersAreProjected,
});

describe('a record that left no trace', () => {
  it.each<[string, number | null, GroupPositions, string | undefined]>([
    ['is on its way at what the group needs next', 50, at(50, 90), 'not-yet-saved'],
    ['is on its way beyond it', 51, at(50, 90), 'not-yet-saved'],
    ['is lost below it', 49, at(50, 90), undefined],
    ['may be a letter that is not projected yet', 49, at(50, 90, false), 'not-yet-projected'],
    ['is on its way as long as there is anything, where its place is not known', null, at(50, 90), 'not-yet-saved'],
    ['is lost when all is finished, where its place is not known', null, at(90, 90), undefined],
  ])('%s', (_, offset, positions, blame) => {
    expect(pendingBlame({ partition: 3, offset }, positions)).toBe(blame);
  });

  it('is on its way on a partition of which nothing is committed', () => {
    expect(pendingBlame({ partition: 4, offset: 0 }, at(50, 90))).toBe('not-yet-saved');
  });
});
