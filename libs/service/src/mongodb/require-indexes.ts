import type { Db } from 'mongodb';
import { INDEXES, type IndexedCollection, type NeededIndex } from '#orders/database/indexes.js';
import { existingIndexes, indexDifference, type ExistingIndex } from './existing-indexes.js';

/** The command that creates missing indexes. */
export const MIGRATE = 'npm run admin -- migrate';

/** Thrown while an index is missing. The migration creates it, so that a later attempt succeeds. */
export class MissingIndexError extends Error {
  override readonly name = 'MissingIndexError';
  readonly code = 'missing-index';
}

/**
 * Verifies that collections have their indexes. Services do it before they start, because without an index a query would read all
 * documents, and without a unique one two could be stored.
 * @throws MissingIndexError with the first index that is missing, still being built, or not the needed one
 */
export async function requireIndexes(db: Db, collections: readonly IndexedCollection[]): Promise<void> {
  const found = await Promise.all(
    collections.map(async (collection) => ({ collection, existing: await existingIndexes(db, collection) })),
  );
  for (const { collection, existing } of found)
    for (const needed of INDEXES[collection]) {
      const problem = problemOf(needed, existing);
      if (problem === undefined) continue;
      throw new MissingIndexError(`Index ${needed.name} of collection ${collection} ${problem}: run ${MIGRATE}`);
    }
}

function problemOf(needed: NeededIndex, existing: readonly ExistingIndex[]): string | undefined {
  const found = existing.find(({ definition }) => definition.name === needed.name);
  if (found === undefined) return 'is missing';
  if (found.isBuilding) return 'is still being built; to see the progress';
  // Another expiry only keeps documents for longer or shorter.
  return indexDifference(needed, found) === 'definition' ? 'has another definition' : undefined;
}
