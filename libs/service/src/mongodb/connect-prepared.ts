import type { IndexedCollection } from '#orders/database/indexes.js';
import type { Startup } from '../availability/startup.js';
import type { Mongo } from './mongo.js';
import { requireIndexes } from './require-indexes.js';
import { requireRestored } from './restore-marker.js';

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
