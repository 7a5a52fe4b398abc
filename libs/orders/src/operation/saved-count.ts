import { Long, type Db, type Document } from 'mongodb';
import { ordersCollection } from '../order/orders-collection.js';
import type { IndexRange } from './segments.js';

/** What the numbers of an operation's orders follow from. */
interface Numbered {
  readonly firstNumber: number;
}

/** Returns the condition on `number` for the orders of an index range. */
export function numbersOf({ firstNumber }: Numbered, { from, to }: IndexRange): { $gte: Long; $lt: Long } {
  return { $gte: Long.fromNumber(firstNumber + from), $lt: Long.fromNumber(firstNumber + to) };
}

/** Counts the saved orders of an index range, as `countByIndex` does. */
export async function countSaved(db: Db, operation: Numbered, range: IndexRange): Promise<number> {
  return countByIndex(db, { number: numbersOf(operation, range) }, 'number');
}

/**
 * Counts orders that a majority of the replica set has. Uses the `count` command, which only scans keys of the index `hint`; an
 * aggregation (`countDocuments`) costs several times as much.
 */
export async function countByIndex(db: Db, query: Document, hint: string): Promise<number> {
  const count = ordersCollection(db).collectionName;
  const { n } = await db.command({ count, query, hint, readConcern: { level: 'majority' } });
  return Number(n);
}
