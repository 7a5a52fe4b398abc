import { HttpStatus } from '@nestjs/common';
import type { Clock } from '#parallel-consumer/clock.js';
import { Problem } from '#service/problem.js';
import type { BlockLayout } from './block-layout.js';
import { forEachConcurrently } from './for-each-concurrently.js';
import { unfinishedBlocks, type KeptBlock } from './kept-block.js';
import type { OrderRollups } from './order-rollups.js';
import type { RollupKeeper } from './rollup-keeper.js';
import { SharedRun } from './shared-run.js';
import { staleBlocks } from './stale-blocks.js';
import { UnchangedOrders } from './unchanged-orders.js';

/** Blocks that an order query makes itself, where the keeper hasn't come to them yet: some seconds, on a machine that isn't busy. */
const MADE_BY_A_QUESTION = 40;
const MADE_AT_ONCE = 4;
/** On one that is, no block is begun after this time. */
const MADE_WITHIN_MS = 4_000;

/** Has the rollups hold all that is saved. */
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
   * Makes what is stale, and resolves once the rollups hold each order that was saved when this was asked.
   * @returns the highest order number that was given out then
   * @throws Problem 503 `summary-being-prepared` when too much is stale, which is being made then
   */
  async through(): Promise<number> {
    return this.run.result();
  }

  private async bringUpToDate(): Promise<number> {
    if (this.keeper.isHurrying) throw beingPrepared();
    // What is saved after this is counted, or makes another tally.
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
    if (stale.length > MADE_BY_A_QUESTION) throw this.prepared();
    const until = this.clock.now() + MADE_WITHIN_MS;
    await forEachConcurrently(stale, MADE_AT_ONCE, async (block) => {
      if (this.clock.now() > until) throw this.prepared();
      await this.rollups.make(block);
    });
  }

  private prepared(): Problem {
    this.keeper.hurry();
    return beingPrepared();
  }
}

function beingPrepared(): Problem {
  return new Problem(
    HttpStatus.SERVICE_UNAVAILABLE,
    'summary-being-prepared',
    'Many orders are not summed up yet; they are now, which takes some seconds for each million. Try again then.',
  );
}
