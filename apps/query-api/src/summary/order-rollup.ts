import type { Collection, Db, Decimal128, Long } from 'mongodb';
import type { Side } from '#orders/order.js';

/** The orders of a block that are the same in all that can be grouped by, summed up. */
export interface RollupCell {
  /** The beginning of the hour, or of the day, in which they were created; absent: they are of any time. */
  readonly from?: Date;
  readonly currency: string;
  readonly side: Side;
  readonly symbol: string;
  /** Whether fields of theirs were made up when they came from the legacy system. */
  readonly filled: boolean;
  readonly count: Long;
  readonly quantity: Long;
  readonly amount: Decimal128;
}

/**
 * What the saved orders of a block come to. Orders are append-only, so one that holds as many as are saved holds the very same, and
 * one of a full block is right for ever.
 */
export interface OrderRollup {
  /** The block, from 0. */
  readonly _id: number;
  /** How many orders its cells hold. */
  readonly orders: number;
  /** By the hour. */
  readonly cells: readonly RollupCell[];
  /** The same by the day; absent where these would hardly be fewer. */
  readonly days?: readonly RollupCell[];
  /** The same of any time; absent where these would hardly be fewer. */
  readonly undated?: readonly RollupCell[];
}

/** Nothing but a memory of what the orders come to: it can be dropped, and is made again. */
export function rollupsCollection(db: Db): Collection<OrderRollup> {
  return db.collection<OrderRollup>('orderRollups');
}

/** Which blocks are there, and how full, is asked by each order query: from the keys alone, since a document may have megabytes. */
export async function ensureRollupIndexes(db: Db): Promise<void> {
  await rollupsCollection(db).createIndexes([{ name: 'id_orders', key: { _id: 1, orders: 1 } }]);
}
