import type { Collection, Db } from 'mongodb';
import type { IndexedCollection } from '#orders/database/indexes.js';
import type { Startup } from '../availability/startup.js';
import type { Mongo } from './mongo.js';
import { requireIndexes } from './indexes.js';

/** Connects, and waits until MongoDB is there, no restore is under way, and the collections have their indexes. */
export async function connectPrepared(
  mongo: Mongo,
  startup: Startup,
  collections: readonly IndexedCollection[],
): Promise<Mongo> {
  await startup.until('mongodb', async () => mongo.connect());
  const restored = async (): Promise<void> => startup.until('restore', async () => requireRestored(mongo.db));
  await restored();
  await startup.until('indexes', async () => requireIndexes(mongo.db, collections));
  // A restore that has begun since creates the indexes before its end.
  await restored();
  return mongo;
}

/** A restore that has not ended. There is at most one; it is removed at the end. */
export interface RestoreMarker {
  /** The id of the backup. */
  readonly _id: string;
  readonly startedAt: Date;
  /** Collections that are completely loaded. */
  readonly loaded: readonly string[];
  /** Operations that the restore has paused; `null` before that. */
  readonly paused: readonly string[] | null;
}

/** Thrown while the database has a part of a backup only. The restore ends that, so that a later attempt succeeds. */
class RestoreUnfinishedError extends Error {
  override readonly name = 'RestoreUnfinishedError';
  readonly code = 'restore-unfinished';
}

export function restoresCollection(db: Db): Collection<RestoreMarker> {
  return db.collection<RestoreMarker>('restores');
}

/**
 * Verifies that no restore is under way. Services do it before they start: half of a backup has neither all orders nor the right counter of
 * order numbers.
 * @throws RestoreUnfinishedError
 */
export async function requireRestored(db: Db): Promise<void> {
  const marker = await restoresCollection(db).findOne({});
  if (marker === null) return;
  throw new RestoreUnfinishedError(
    `The restore of backup ${marker._id} has not ended: wait for npm run admin -- restore, or run it again if it was interrupted`,
  );
}
