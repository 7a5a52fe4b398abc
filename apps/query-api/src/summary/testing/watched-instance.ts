import type { Mongo } from '#service/mongo.js';
import { backgroundClock } from '../background-clock.js';
import { BlockLayout } from '../block-layout.js';
import { FreshRollups } from '../fresh-rollups.js';
import type { KeptBlock } from '../kept-block.js';
import { OrderRollups } from '../order-rollups.js';
import { RollupKeeper } from '../rollup-keeper.js';
import { Summaries } from '../summaries.js';
import type { Summary } from '../summary-response.js';
import { summaryRequest } from './summary-request.js';

/** The rollups, and which blocks were counted and made. */
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

/** What one process of the query API has for its summaries, on blocks of a size that specs can fill. */
export class WatchedInstance {
  readonly rollups: WatchedRollups;
  /** It does nothing before its `onApplicationBootstrap`. */
  readonly keeper: RollupKeeper;
  private readonly summaries: Summaries;

  /** @param size orders of a block; 100 unless given */
  constructor(mongo: Mongo, size = 100) {
    const layout = new BlockLayout(size);
    this.rollups = new WatchedRollups(mongo, layout);
    this.keeper = new RollupKeeper(this.rollups, layout, backgroundClock);
    this.summaries = new Summaries(mongo, new FreshRollups(this.rollups, layout, this.keeper, backgroundClock));
  }

  /** @param query as in the path; by currency alone unless given */
  readonly ask = async (query = ''): Promise<Summary> => this.summaries.of(summaryRequest(query));
}
