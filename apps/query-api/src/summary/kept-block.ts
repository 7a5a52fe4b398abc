import type { BlockLayout } from './block-layout.js';

/** A block and the state of its stored rollup. */
export interface KeptBlock {
  readonly block: number;
  /** The number of orders in the rollup; `undefined`: the block has no rollup. */
  readonly kept: number | undefined;
}

/** Returns the blocks up to a number whose rollup can be stale. The rollup of a full block never is, and is never checked again. */
export function unfinishedBlocks(
  layout: BlockLayout,
  highestNumber: number,
  kept: ReadonlyMap<number, number>,
): KeptBlock[] {
  const blocks = Array.from({ length: layout.blocksUpTo(highestNumber) }, (_, block) => ({
    block,
    kept: kept.get(block),
  }));
  return blocks.filter((each) => each.kept !== layout.size);
}

/**
 * Whether the rollup of a block differs from the saved orders.
 * @param saved the number of saved orders of the block, counted after the stored rollups were read
 */
export function isStale({ kept = 0 }: KeptBlock, saved: number): boolean {
  return saved !== kept;
}
