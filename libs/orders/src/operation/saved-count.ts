import { Long, type Db, type Document } from 'mongodb';
import { ordersCollection } from '../order/order-document.js';
import { type IndexRange, operationsCollection } from './operation.js';

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
export async function countByIndex(
  db: Db,
  query: Document,
  hint: string,
  bounds: { readonly limit?: number; readonly maxTimeMS?: number } = {},
): Promise<number> {
  const count = ordersCollection(db).collectionName;
  const { n } = await db.command({ count, query, hint, readConcern: { level: 'majority' }, ...bounds });
  return Number(n);
}

/** Newly saved orders by the id of their operation. */
export type SavedReport = ReadonlyMap<string, number>;

/**
 * Adds newly saved orders to the figures of their operations.
 *
 * Call it at most once for each order, and only after its insert is durable: then `reportedSaved` never exceeds the number of saved
 * orders. A report with an unknown outcome must be dropped, not repeated; the driver's own retry is safe (retryable writes).
 */
export async function reportSaved(db: Db, report: SavedReport): Promise<void> {
  const updates = [...report].map(([_id, saved]) => ({
    updateOne: { filter: { _id }, update: { $inc: { reportedSaved: saved } } },
  }));
  // A lost report makes the figure lower, never wrong: it needs no majority and no journal.
  await operationsCollection(db).bulkWrite(updates, { ordered: false, writeConcern: { w: 1, journal: false } });
}
