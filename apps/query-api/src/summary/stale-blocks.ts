import { forEachConcurrently } from './for-each-concurrently.js';
import { isStale, type KeptBlock } from './kept-block.js';
import type { OrderRollups } from './order-rollups.js';

const COUNTED_AT_ONCE = 4;

/** Those of the blocks whose rollup doesn't hold the orders that are saved: all are counted. */
export async function staleBlocks(
  rollups: Pick<OrderRollups, 'saved'>,
  blocks: readonly KeptBlock[],
): Promise<KeptBlock[]> {
  const stale: KeptBlock[] = [];
  await forEachConcurrently(blocks, COUNTED_AT_ONCE, async (each) => {
    if (isStale(each, await rollups.saved(each.block))) stale.push(each);
  });
  return stale;
}
