import type { NumberRange } from '../orders/number-holes.js';

/** Divides the dense order numbers into blocks of equal size, counted from 0. The orders of a block share one rollup. */
export class BlockLayout {
  /**
   * @param size numbers per block. Default: 50,000. A block is summed up in tenths of a second; ten million orders make 200 blocks.
   *   Rollups stored with another size cover other orders: drop the collection after a change
   */
  constructor(readonly size = 50_000) {}

  /** Returns how many blocks, from block 0, cover the numbers from 1 to this one. */
  blocksUpTo(number: number): number {
    return Math.ceil(number / this.size);
  }

  numbersOf(block: number): NumberRange {
    return { from: block * this.size + 1, to: (block + 1) * this.size };
  }
}
