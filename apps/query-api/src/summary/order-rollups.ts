import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Long, MongoServerError } from 'mongodb';
import { highestReservedNumber } from '#orders/operation/number-blocks.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { blockCells } from './block-cells.js';
import { BlockLayout } from './block-layout.js';
import type { KeptBlock } from './kept-block.js';
import { ensureRollupIndexes, rollupsCollection, type OrderRollup, type RollupCell } from './order-rollup.js';
import { rollupContent } from './rollup-content.js';
import type { Tally } from './unchanged-orders.js';

/** Shorter than the driver's socket timeout. After that, the driver drops the connection, but MongoDB would continue the work. */
const BLOCK_WITHIN_MS = 8_000;
const DUPLICATE_KEY = 11_000;

/** Reads, builds and stores rollups. Several processes may build the same rollup at once. */
@Injectable()
export class OrderRollups implements OnModuleInit {
  constructor(
    private readonly mongo: Mongo,
    private readonly layout: BlockLayout,
  ) {}

  async onModuleInit(): Promise<void> {
    await ensureRollupIndexes(this.mongo.db);
  }

  /** Returns the highest reserved order number: no order has a higher one. */
  async highestNumber(): Promise<number> {
    return highestReservedNumber(this.mongo.db);
  }

  /** Returns the document count that the collection keeps, and the MongoDB process that reports it. */
  async tally(): Promise<Tally> {
    // The process id is read first: if MongoDB restarts in between, the count gets the id of the old process and is not trusted.
    const { topologyVersion } = await this.mongo.db.command({ hello: 1 });
    return { orders: await this.orders.estimatedDocumentCount(), server: topologyVersion?.processId?.toString() };
  }

  /** Returns the number of orders in each stored rollup, by block. */
  async kept(): Promise<Map<number, number>> {
    const stored = await this.rollups
      .find({ _id: { $gte: 0 } })
      .project<Pick<OrderRollup, '_id' | 'orders'>>({ orders: 1 })
      .toArray();
    return new Map(stored.map(({ _id, orders }) => [_id, orders]));
  }

  /** Counts the saved orders of a block with the `count` command, which reads index keys only. */
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

  /** Rebuilds the rollup of a block, unless another process has stored a newer one in the meantime. */
  async make({ block, kept }: KeptBlock): Promise<void> {
    const cells = await this.orders
      .aggregate<RollupCell>(blockCells(this.layout.numbersOf(block)), {
        hint: 'number',
        promoteLongs: false,
        batchSize: this.layout.size + 1,
        maxTimeMS: BLOCK_WITHIN_MS,
      })
      .toArray();
    // The order count comes from the cells themselves: after any other count, more orders can have been saved.
    await this.keep(block, rollupContent(cells), kept);
  }

  /** Stores a rollup if it is newer, that is, has more orders. Only after orders were deleted by hand, fewer orders are newer. */
  private async keep(block: number, rollup: Omit<OrderRollup, '_id'>, kept: number | undefined): Promise<void> {
    const older = kept !== undefined && kept > rollup.orders ? kept : { $lt: rollup.orders };
    try {
      await this.rollups.replaceOne({ _id: block, orders: older }, rollup, { upsert: true });
    } catch (error) {
      // Another process has already stored a rollup that is not older.
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
