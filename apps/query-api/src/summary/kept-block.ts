import type { BlockLayout } from './block-layout.js';

/** A block, and what is known of its rollup. */
export interface KeptBlock {
  readonly block: number;
  /** How many orders the rollup holds; `undefined`: there is none. */
  readonly kept: number | undefined;
}

/** The blocks up to a number whose rollup can be stale: that of a full one never is, and is never looked at again. */
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

/** @param saved how many orders of the block are saved, counted after it was read what is kept */
export function isStale({ kept = 0 }: KeptBlock, saved: number): boolean {
  return saved !== kept;
}
