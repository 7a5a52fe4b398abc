import { describe, expect, it } from '@jest/globals';
import { trimOffset } from './letter-topic.js';

describe('the records of dead letters that can be removed', () => {
  it.each<[string, number, number, number | undefined, number]>([
    ['are those before the oldest letter that is kept', 90, 100, 40, 40],
    ['are all old ones without a letter', 90, 100, undefined, 90],
    ['are never younger than the retention', 30, 100, 40, 30],
    ['are never unread by the projection', 90, 20, undefined, 20],
  ])('%s', (_, old, projected, kept, offset) => {
    const letters = new Map(kept === undefined ? [] : [[3, kept]]);
    expect(trimOffset(3, old, new Map([[3, projected]]), letters)).toBe(offset);
  });

  it('are none of a partition that the projection has never read', () => {
    expect(trimOffset(3, 90, new Map(), new Map())).toBe(0);
  });
});
