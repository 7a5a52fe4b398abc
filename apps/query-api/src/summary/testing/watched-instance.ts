import type { Mongo } from '#service/mongodb/mongo.js';
import { backgroundClock } from '../background-clock.js';
import { BlockLayout } from '../block-layout.js';
import { FreshRollups } from '../fresh-rollups.js';
import type { KeptBlock } from '../kept-block.js';
import { OrderRollups } from '../order-rollups.js';
import { RollupKeeper } from '../rollup-keeper.js';
import { Summaries } from '../summaries.js';
import type { Summary } from '../summary-response.js';
import { summaryRequest } from './summary-request.js';

/** Rollups that record which blocks were counted and built. */
class WatchedRollups extends OrderRollups {
  readonly counted: number[] = [];
  readonly made: number[] = [];

  override async saved(block: number): Promise<number> {
    this.counted.push(block);
    return super.saved(block);
  }

  override async make(block: KeptBlock): Promise<void> {
    this.made.push(block.block);
    await super.make(block);
  }
}

/** The summary part of one query API process, with blocks small enough for specs to fill. */
export class WatchedInstance {
  readonly rollups: WatchedRollups;
  /** It is idle until its `onApplicationBootstrap` is called. */
  readonly keeper: RollupKeeper;
  private readonly summaries: Summaries;

  /** @param size orders per block; default: 100 */
  constructor(mongo: Mongo, size = 100) {
    const layout = new BlockLayout(size);
    this.rollups = new WatchedRollups(mongo, layout);
    this.keeper = new RollupKeeper(this.rollups, layout, backgroundClock);
    this.summaries = new Summaries(mongo, new FreshRollups(this.rollups, layout, this.keeper, backgroundClock));
  }

  /** Requests a summary. @param query the query string; default: by currency only */
  readonly ask = async (query = ''): Promise<Summary> => this.summaries.of(summaryRequest(query));
}
