import type { Collection, Db, Decimal128, Long } from 'mongodb';
import type { Side } from '#orders/order/order.js';

/** The sums of those orders of a block that are equal in all dimensions. */
export interface RollupCell {
  /** The start of the hour or day in which the orders were created; absent: any time. */
  readonly from?: Date;
  readonly currency: string;
  readonly side: Side;
  readonly symbol: string;
  /** Whether the import filled in missing fields of these legacy orders with invented values. */
  readonly filled: boolean;
  readonly count: Long;
  readonly quantity: Long;
  readonly amount: Decimal128;
}

/**
 * The sums of the saved orders of a block. Orders are append-only, so a rollup with as many orders as are saved includes exactly these
 * orders, and the rollup of a full block stays correct.
 */
export interface OrderRollup {
  /** The block, from 0. */
  readonly _id: number;
  /** The number of orders in the cells. */
  readonly orders: number;
  /** The cells per hour. */
  readonly cells: readonly RollupCell[];
  /** The same per day; absent if there would not be far fewer cells. */
  readonly days?: readonly RollupCell[];
  /** The same for all times; absent if there would not be far fewer cells. */
  readonly undated?: readonly RollupCell[];
}

/** Returns the collection of rollups. It is only a cache of sums: it can be dropped and is built again. */
export function rollupsCollection(db: Db): Collection<OrderRollup> {
  return db.collection<OrderRollup>('orderRollups');
}

/** Creates the index from which each summary request reads the blocks and their sizes: the documents can have several megabytes. */
export async function ensureRollupIndexes(db: Db): Promise<void> {
  await rollupsCollection(db).createIndexes([{ name: 'id_orders', key: { _id: 1, orders: 1 } }]);
}
