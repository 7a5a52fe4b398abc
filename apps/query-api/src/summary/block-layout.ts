import type { NumberRange } from '../orders/number-holes.js';

/** The dense order numbers as blocks of one size, counted from 0: the orders of a block are summed up together. */
export class BlockLayout {
  /**
   * @param size numbers of a block. 50,000 unless given: summed up in some tenths of a second, and ten million orders are 200 blocks.
   *   Rollups that were kept under another size are those of other orders: the collection has to be dropped then
   */
  constructor(readonly size = 50_000) {}

  /** How many blocks the numbers from 1 to this one lie in; they are those from 0 on. */
  blocksUpTo(number: number): number {
    return Math.ceil(number / this.size);
  }

  numbersOf(block: number): NumberRange {
    return { from: block * this.size + 1, to: (block + 1) * this.size };
  }
}
