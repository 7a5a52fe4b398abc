import type { Db } from 'mongodb';
import { operationsCollection } from './operation.js';

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
