import { forEachConcurrently } from './for-each-concurrently.js';
import { isStale, type KeptBlock } from './kept-block.js';
import type { OrderRollups } from './order-rollups.js';

const CONCURRENT_COUNTS = 4;

/** Returns those of the blocks whose rollup differs from the saved orders. It counts the saved orders of each block. */
export async function staleBlocks(
  rollups: Pick<OrderRollups, 'saved'>,
  blocks: readonly KeptBlock[],
): Promise<KeptBlock[]> {
  const stale: KeptBlock[] = [];
  await forEachConcurrently(blocks, CONCURRENT_COUNTS, async (each) => {
    if (isStale(each, await rollups.saved(each.block))) stale.push(each);
  });
  return stale;
}
