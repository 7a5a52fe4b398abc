import type { IndexedCollection } from '#orders/database/indexes.js';
import type { Startup } from '../availability/startup.js';
import type { Mongo } from './mongo.js';
import { requireIndexes } from './require-indexes.js';

/** Connects, and waits until MongoDB is there and the collections have their indexes. */
export async function connectPrepared(
  mongo: Mongo,
  startup: Startup,
  collections: readonly IndexedCollection[],
): Promise<Mongo> {
  await startup.until('mongodb', async () => mongo.connect());
  await startup.until('indexes', async () => requireIndexes(mongo.db, collections));
  return mongo;
}
