import { describe, expect, it } from '@jest/globals';
import { pendingReason, type GroupPositions } from './missing-reason.js';

const at = (committed: number, end: number, lettersAreProjected = true): GroupPositions => ({
  committed: new Map([[3, committed]]),
  ends: new Map([[3, end]]),
  lettersAreProjected,
});

describe('pendingReason of a record without a trace', () => {
  it.each<[string, number | null, GroupPositions, string | undefined]>([
    ['is pending at the committed offset', 50, at(50, 90), 'not-yet-saved'],
    ['is pending above the committed offset', 51, at(50, 90), 'not-yet-saved'],
    ['is lost below the committed offset', 49, at(50, 90), undefined],
    ['may be a letter that is not projected yet', 49, at(50, 90, false), 'not-yet-projected'],
    ['is pending with an unknown offset while there is lag', null, at(50, 90), 'not-yet-saved'],
    ['is lost with an unknown offset once there is no lag', null, at(90, 90), undefined],
  ])('%s', (_, offset, positions, blame) => {
    expect(pendingReason({ partition: 3, offset }, positions)).toBe(blame);
  });

  it('is pending on a partition without a committed offset', () => {
    expect(pendingReason({ partition: 4, offset: 0 }, at(50, 90))).toBe('not-yet-saved');
  });
});
