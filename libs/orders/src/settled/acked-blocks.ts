import { FULL_BLOCK_ORDERS } from '../operation/operation.js';
import { ackedRanges, type IndexRange, type Segment } from '../operation/segments.js';

/** The acknowledged orders of one block of FULL_BLOCK_ORDERS indexes of an operation that emits a known sequence. */
export interface AckedBlock {
  /** Where the block begins: a multiple of FULL_BLOCK_ORDERS. */
  readonly from: number;
  /** The acknowledged indexes, in order. A cancelled operation may have several ranges in a block. */
  readonly ranges: readonly IndexRange[];
}

/** Returns the blocks that have acknowledged orders, in order. */
export function ackedBlocks(segments: readonly Segment[]): AckedBlock[] {
  const blocks = new Map<number, IndexRange[]>();
  for (const { from, to } of ackedRanges(segments))
    for (let start = from; start < to;) {
      const block = Math.floor(start / FULL_BLOCK_ORDERS) * FULL_BLOCK_ORDERS;
      const end = Math.min(to, block + FULL_BLOCK_ORDERS);
      blocks.set(block, [...(blocks.get(block) ?? []), { from: start, to: end }]);
      start = end;
    }
  return [...blocks].map(([from, ranges]) => ({ from, ranges }));
}
