import { ArchivedList } from '#orders/archive/archived-list.js';
import { systemClock } from '@orders-pipeline/clock';
import type { Mongo } from '#service/mongodb/mongo.js';
import { OrderRollups, type RollupBlock } from '../order-rollups.js';
import { RollupKeeper } from '../rollup-keeper.js';
import { Summaries } from '../summaries.js';
import type { Summary } from '../summary-response.js';
import { summaryRequest } from './summary-request.js';

/** Rollups that record which blocks were counted and built. */
class WatchedRollups extends OrderRollups {
  readonly counted: number[] = [];
  readonly built: number[] = [];

  override async saved(block: number): Promise<number> {
    this.counted.push(block);
    return super.saved(block);
  }

  override async build(block: RollupBlock): Promise<void> {
    this.built.push(block.block);
    await super.build(block);
  }
}

/** The summary part of one query API process, with blocks of 100 orders, small enough for specs to fill. */
export class WatchedInstance {
  readonly rollups: WatchedRollups;
  /** It does nothing in the background until its `onApplicationBootstrap` is called. */
  readonly keeper: RollupKeeper;
  private readonly summaries: Summaries;

  constructor(mongo: Mongo, clock = systemClock) {
    this.rollups = new WatchedRollups(mongo, ArchivedList.of(mongo.db), 100);
    this.keeper = new RollupKeeper(this.rollups, clock);
    this.summaries = new Summaries(mongo, this.keeper);
  }

  /** Requests a summary. @param query the query string; default: by currency only */
  readonly ask = async (query = ''): Promise<Summary> => this.summaries.of(summaryRequest(query));
}
