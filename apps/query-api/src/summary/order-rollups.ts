import { Long, type Document, type Collection, type Db } from 'mongodb';
import type { ArchivedList, ArchivedShare } from '#orders/archive/archived-ranges.js';
import { highestReservedNumber } from '#orders/numbering/number-blocks.js';
import { countByIndex } from '#orders/operation/saved-count.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { timeLimit } from '#orders/time-limit.js';

/** The fields of a cell that are summed up. The sums are exact: int64, and decimal128 for money. */
export const CELL_SUMS: Document = {
  count: { $sum: '$count' },
  quantity: { $sum: '$quantity' },
  amount: { $sum: '$amount' },
};

/**
 * The stage that turns each order into a cell. A cell has the number, quantity and amount of orders that are equal in currency, side,
 * symbol, time and `filled`: whether the import filled in missing fields of these legacy orders with invented values.
 */
export const ORDER_TO_CELL: Document = {
  $project: {
    _id: 0,
    currency: 1,
    side: 1,
    symbol: 1,
    createdAt: 1,
    // True only for a non-empty array: in BSON order, a missing field comes before the empty array, and that before all other arrays.
    filled: { $gt: ['$legacy.filled', []] },
    count: { $literal: Long.ONE },
    quantity: { $toLong: '$quantity' },
    amount: 1,
  },
};

/**
 * Returns the stages that merge cells.
 * @param unit merged cells get the start of their hour or day (UTC) as `createdAt`; `undefined`: they lose it
 */
function mergeCells(unit?: 'hour' | 'day'): Document[] {
  const key = {
    currency: '$currency',
    side: '$side',
    symbol: '$symbol',
    filled: '$filled',
    ...(unit && { createdAt: { $dateTrunc: { date: '$createdAt', unit } } }),
  };
  const sums = { count: '$count', quantity: '$quantity', amount: '$amount' };
  return [{ $group: { _id: key, ...CELL_SUMS } }, { $replaceWith: { $mergeObjects: ['$_id', sums] } }];
}

/** The document count in the metadata of the orders collection. It costs nothing to read, but can stay wrong after MongoDB has crashed. */
export interface Tally {
  readonly orders: number;
  /** The MongoDB process that reported the count, and the version of the archived ranges; `undefined`: unknown, or orders are being moved. */
  readonly source: string | undefined;
}

/** Shorter than the driver's socket timeout. After that, the driver drops the connection, but MongoDB would continue the work. */
const BLOCK_WITHIN_MS = timeLimit(8_000);
const ROLLUPS = 'summaryRollups';
/** Orders are removed only when their range has been listed for longer. */
const LIST_MAX_AGE_MS = 1_000;

/**
 * The sums of the saved orders of a block of numbers, as cells per hour, per day and for all times. Orders are append-only, so a rollup
 * with as many orders as are saved includes exactly these orders, and the rollup of a full block is final until orders of it are archived.
 */
interface OrderRollup {
  /** The block, from 0. */
  readonly _id: number;
  /** The number of orders in the cells. */
  readonly orders: number;
  readonly all: readonly Document[];
  readonly day: readonly Document[];
  readonly hour: readonly Document[];
}

/** A block and the number of orders in its stored rollup; 0: it may have none. */
export interface RollupBlock {
  readonly block: number;
  readonly kept: number;
}

/** Returns the collection of rollups. It is only a cache of sums: it can be dropped and is built again. */
export function rollupsCollection(db: Db): Collection<OrderRollup> {
  return db.collection<OrderRollup>(ROLLUPS);
}

/** Reads and builds rollups. Several processes may build the same rollup at once. */
export class OrderRollups {
  /**
   * @param blockSize numbers per block. Default: 20,000, the most whose cells always fit into a document of 16 MiB. Rollups stored with
   *   another size cover other orders: rename the collection with a change
   */
  constructor(
    private readonly mongo: Mongo,
    private readonly archivedList: ArchivedList,
    readonly blockSize = 20_000,
  ) {}

  /** Returns the highest reserved order number: no order has a higher one. */
  async highestNumber(): Promise<number> {
    return highestReservedNumber(this.mongo.db);
  }

  /** Returns the document count that the collection keeps, and what it depends on besides the saves. */
  async tally(): Promise<Tally> {
    const { settledVersion } = await this.archivedList.fresh(LIST_MAX_AGE_MS);
    // The process id is read first: if MongoDB restarts in between, the count gets the id of the old process and is not trusted.
    const { topologyVersion } = await this.mongo.db.command({ hello: 1 });
    const orders = await ordersCollection(this.mongo.db).estimatedDocumentCount();
    const server: string | undefined = topologyVersion?.processId?.toString();
    // Orders that were archived and as many that were saved would give the same count.
    const isKnown = server !== undefined && settledVersion !== undefined;
    return { orders, source: isKnown ? `${server} ${settledVersion}` : undefined };
  }

  /** Returns the number of orders in each stored rollup, by block. */
  async kept(): Promise<Map<number, number>> {
    const stored = rollupsCollection(this.mongo.db)
      .find({ _id: { $gte: 0 } })
      .project<Pick<OrderRollup, '_id' | 'orders'>>({ orders: 1 });
    return new Map((await stored.toArray()).map(({ _id, orders }) => [_id, orders]));
  }

  /** Returns how much of each block is archived, by a list that is at most 1 s old. */
  async archived(): Promise<(block: number) => ArchivedShare> {
    const list = await this.archivedList.fresh(LIST_MAX_AGE_MS);
    return (block) => {
      const first = block * this.blockSize + 1;
      return list.shareOf({ first, last: first + this.blockSize - 1 });
    };
  }

  /** Counts the saved orders of a block. */
  async saved(block: number): Promise<number> {
    return countByIndex(this.mongo.db, this.ordersOf(block), 'number', { maxTimeMS: BLOCK_WITHIN_MS });
  }

  /**
   * Builds the rollup of a block within MongoDB, and stores it unless another process has stored a newer one, that is, one with more
   * orders. If `kept` orders are still stored, they are replaced even by fewer: orders were deleted by hand.
   */
  async build({ block, kept }: RollupBlock): Promise<void> {
    const isNewer = { $or: [{ $gt: ['$$new.orders', '$orders'] }, { $eq: ['$orders', kept] }] };
    const pipeline: Document[] = [
      { $match: this.ordersOf(block) },
      ORDER_TO_CELL,
      ...mergeCells('hour'),
      { $facet: { all: mergeCells(), day: mergeCells('day'), hour: [{ $match: {} }] } },
      // The order count comes from the cells themselves: after any other count, more orders can have been saved.
      { $set: { _id: block, orders: { $sum: '$all.count' } } },
      { $merge: { into: ROLLUPS, whenMatched: [{ $replaceWith: { $cond: [isNewer, '$$new', '$$ROOT'] } }] } },
    ];
    await ordersCollection(this.mongo.db).aggregate(pipeline, { hint: 'number', maxTimeMS: BLOCK_WITHIN_MS }).toArray();
  }

  private ordersOf(block: number): Document {
    const first = block * this.blockSize + 1;
    return { number: { $gte: Long.fromNumber(first), $lt: Long.fromNumber(first + this.blockSize) } };
  }
}
