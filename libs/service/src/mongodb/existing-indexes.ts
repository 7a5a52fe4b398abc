import { MongoServerError, type Db, type Document } from 'mongodb';
import type { NeededIndex } from '#orders/database/indexes.js';

/** An index of a collection, as MongoDB describes it. */
export interface ExistingIndex {
  readonly definition: Document & { readonly name: string };
  /** Whether it is still being built, so that queries can't use it yet. */
  readonly isBuilding: boolean;
}

/** How an existing index of the right name differs from the needed one; `undefined`: not at all. */
export type IndexDifference = 'expiry' | 'definition' | undefined;

const NAMESPACE_NOT_FOUND = 26;

/** Returns the indexes of a collection besides `_id`; none if it does not exist. */
export async function existingIndexes(db: Db, collection: string): Promise<ExistingIndex[]> {
  try {
    // The driver's own method doesn't return which ones are still being built.
    const { cursor } = await db.command({
      listIndexes: collection,
      includeBuildUUIDs: true,
      cursor: { batchSize: 100 },
    });
    return (cursor as { firstBatch: Document[] }).firstBatch
      .map(toIndex)
      .filter(({ definition }) => definition.name !== '_id_');
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND) return [];
    throw error;
  }
}

function toIndex(listed: Document): ExistingIndex {
  // MongoDB wraps the definition of an index that is being built.
  const isBuilding = 'buildUUID' in listed;
  const definition = (isBuilding ? listed['spec'] : listed) as ExistingIndex['definition'];
  return { definition, isBuilding };
}

/** Compares an existing index with the needed one of the same name. */
export function indexDifference(needed: NeededIndex, { definition }: ExistingIndex): IndexDifference {
  const hasSameKey = sameFields(definition['key'] as object, needed.key);
  const hasSameOptions =
    (definition['unique'] ?? false) === (needed.unique ?? false) &&
    (definition['sparse'] ?? false) === (needed.sparse ?? false) &&
    JSON.stringify(definition['partialFilterExpression']) === JSON.stringify(needed.partialFilterExpression);
  if (!hasSameKey || !hasSameOptions) return 'definition';
  return definition['expireAfterSeconds'] === needed.expireAfterSeconds ? undefined : 'expiry';
}

/** The order of an index's fields matters. */
export function sameFields(one: object, other: object): boolean {
  return JSON.stringify(Object.entries(one)) === JSON.stringify(Object.entries(other));
}
