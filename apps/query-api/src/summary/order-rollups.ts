import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Long, MongoServerError } from 'mongodb';
import { highestReservedNumber } from '#orders/number-blocks.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';
import { blockCells } from './block-cells.js';
import { BlockLayout } from './block-layout.js';
import type { KeptBlock } from './kept-block.js';
import { ensureRollupIndexes, rollupsCollection, type OrderRollup, type RollupCell } from './order-rollup.js';
import { rollupContent } from './rollup-content.js';
import type { Tally } from './unchanged-orders.js';

/** Below the time after which the driver gives up a connection, which would leave the work to go on there. */
const BLOCK_WITHIN_MS = 8_000;
const DUPLICATE_KEY = 11_000;

/** The rollups, and what of the orders they are made of. Several processes may make the same one at once. */
@Injectable()
export class OrderRollups implements OnModuleInit {
  constructor(
    private readonly mongo: Mongo,
    private readonly layout: BlockLayout,
  ) {}

  async onModuleInit(): Promise<void> {
    await ensureRollupIndexes(this.mongo.db);
  }

  /** The highest order number that is given out: orders beyond it don't exist. */
  async highestNumber(): Promise<number> {
    return highestReservedNumber(this.mongo.db);
  }

  /** What the collection itself tells of the number of its orders, and by which process. */
  async tally(): Promise<Tally> {
    // First: a count that a later process has made goes with an earlier one then, and is not believed.
    const { topologyVersion } = await this.mongo.db.command({ hello: 1 });
    return { orders: await this.orders.estimatedDocumentCount(), server: topologyVersion?.processId?.toString() };
  }

  /** How many orders each rollup holds, by its block. */
  async kept(): Promise<Map<number, number>> {
    const there = await this.rollups
      .find({ _id: { $gte: 0 } })
      .project<Pick<OrderRollup, '_id' | 'orders'>>({ orders: 1 })
      .toArray();
    return new Map(there.map(({ _id, orders }) => [_id, orders]));
  }

  /** How many orders of a block are saved. The `count` command walks keys of the index alone. */
  async saved(block: number): Promise<number> {
    const { from, to } = this.layout.numbersOf(block);
    const { n } = await this.mongo.db.command({
      count: this.orders.collectionName,
      query: { number: { $gte: Long.fromNumber(from), $lte: Long.fromNumber(to) } },
      hint: 'number',
      readConcern: { level: 'majority' },
      maxTimeMS: BLOCK_WITHIN_MS,
    });
    return Number(n);
  }

  /** Makes the rollup of a block anew, unless another process has kept a newer one meanwhile. */
  async make({ block, kept }: KeptBlock): Promise<void> {
    const cells = await this.orders
      .aggregate<RollupCell>(blockCells(this.layout.numbersOf(block)), {
        hint: 'number',
        promoteLongs: false,
        batchSize: this.layout.size + 1,
        maxTimeMS: BLOCK_WITHIN_MS,
      })
      .toArray();
    // With the number of the very orders that were summed up: more can have been saved since any other count.
    await this.keep(block, rollupContent(cells), kept);
  }

  /** More orders are the newer state. Only where there were too many, since somebody removed orders by hand, fewer are. */
  private async keep(block: number, rollup: Omit<OrderRollup, '_id'>, kept: number | undefined): Promise<void> {
    const older = kept !== undefined && kept > rollup.orders ? kept : { $lt: rollup.orders };
    try {
      await this.rollups.replaceOne({ _id: block, orders: older }, rollup, { upsert: true });
    } catch (error) {
      // There is one that isn't older: another process was faster.
      if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
    }
  }

  private get orders() {
    return ordersCollection(this.mongo.db);
  }

  private get rollups() {
    return rollupsCollection(this.mongo.db);
  }
}
