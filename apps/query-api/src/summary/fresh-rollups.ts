import { HttpStatus } from '@nestjs/common';
import type { Clock } from '@orders-pipeline/clock';
import { Problem } from '#service/http/problem.js';
import type { BlockLayout } from './block-layout.js';
import { forEachConcurrently } from './for-each-concurrently.js';
import { unfinishedBlocks, type KeptBlock } from './kept-block.js';
import type { OrderRollups } from './order-rollups.js';
import type { RollupKeeper } from './rollup-keeper.js';
import { SharedRun } from './shared-run.js';
import { staleBlocks } from './stale-blocks.js';
import { UnchangedOrders } from './unchanged-orders.js';

/** The most blocks that a request builds itself if the keeper has not built them yet: it takes some seconds on an idle machine. */
const MAX_BLOCKS_PER_REQUEST = 40;
const CONCURRENT_BUILDS = 4;
/** On a busy machine, a request starts no build after this time. */
const MAX_BUILD_MS = 4_000;

/** Brings the rollups up to date with the saved orders. */
export class FreshRollups {
  private readonly unchanged = new UnchangedOrders();
  private readonly run = new SharedRun(async () => this.bringUpToDate());

  constructor(
    private readonly rollups: Pick<OrderRollups, 'highestNumber' | 'tally' | 'kept' | 'saved' | 'make'>,
    private readonly layout: BlockLayout,
    private readonly keeper: Pick<RollupKeeper, 'isHurrying' | 'hurry'>,
    private readonly clock: Clock,
  ) {}

  /**
   * Rebuilds stale rollups, and resolves once the rollups include each order that was saved before the call.
   * @returns the highest order number that was reserved by then
   * @throws Problem 503 `summary-being-prepared` if too many rollups are stale; they are then rebuilt in the background
   */
  async through(): Promise<number> {
    return this.run.result();
  }

  private async bringUpToDate(): Promise<number> {
    if (this.keeper.isHurrying) throw beingPrepared();
    // The tally is read first: orders saved after it are either counted below, or change the next tally.
    const tally = await this.rollups.tally();
    const through = await this.rollups.highestNumber();
    const kept = await this.rollups.kept();
    if (this.unchanged.since(tally, kept)) return through;
    const stale = await staleBlocks(this.rollups, unfinishedBlocks(this.layout, through, kept));
    if (stale.length === 0) this.unchanged.note(tally, kept);
    else await this.make(stale);
    return through;
  }

  private async make(stale: readonly KeptBlock[]): Promise<void> {
    if (stale.length > MAX_BLOCKS_PER_REQUEST) throw this.leaveToKeeper();
    const until = this.clock.now() + MAX_BUILD_MS;
    await forEachConcurrently(stale, CONCURRENT_BUILDS, async (block) => {
      if (this.clock.now() > until) throw this.leaveToKeeper();
      await this.rollups.make(block);
    });
  }

  private leaveToKeeper(): Problem {
    this.keeper.hurry();
    return beingPrepared();
  }
}

function beingPrepared(): Problem {
  return new Problem(
    HttpStatus.SERVICE_UNAVAILABLE,
    'summary-being-prepared',
    'Many orders are not summed up yet. They are now being summed up, which takes some seconds per million orders. Retry later.',
  );
}
