import { describe, expect, it } from '@jest/globals';
import { BlockLayout } from './block-layout.js';
import { isStale, unfinishedBlocks } from './kept-block.js';

const layout = new BlockLayout(100);

function unfinished(highestNumber: number, kept: [number, number][]): number[] {
  return unfinishedBlocks(layout, highestNumber, new Map(kept)).map(({ block }) => block);
}

describe('the blocks of the order numbers', () => {
  it('cover the numbers from 1 without gaps', () => {
    expect(layout.numbersOf(0)).toEqual({ from: 1, to: 100 });
    expect(layout.numbersOf(1)).toEqual({ from: 101, to: 200 });
    expect([0, 1, 100, 101, 200, 201].map((number) => layout.blocksUpTo(number))).toEqual([0, 1, 1, 2, 2, 3]);
  });

  it('are 200 for ten million orders', () => {
    expect(new BlockLayout().blocksUpTo(10_000_000)).toBe(200);
  });
});

describe('a block whose rollup can be stale', () => {
  it('is any block whose rollup is not full', () => {
    expect(unfinished(0, [])).toEqual([]);
    expect(unfinished(250, [])).toEqual([0, 1, 2]);
    expect(unfinished(250, [[0, 100], [1, 99]])).toEqual([1, 2]); // prettier-ignore
    expect(unfinished(300, [[0, 100], [1, 100], [2, 100]])).toEqual([]); // prettier-ignore
  });

  it.each([
    [undefined, 0, false],
    [undefined, 1, true],
    [0, 0, false],
    [0, 1, true],
    [57, 57, false],
    [57, 58, true],
    // An order was deleted by hand.
    [57, 56, true],
  ])('with %s orders in the rollup and %d saved is stale: %s', (kept, saved, expected) => {
    expect(isStale({ block: 3, kept }, saved)).toBe(expected);
  });
});
