import { MongoServerError, type Db, type Document } from 'mongodb';
import {
  type NeededIndex,
  INDEXES,
  type IndexedCollection,
  INDEXED_COLLECTIONS,
  RETIRED,
} from '#orders/database/indexes.js';

/** An index of a collection, as MongoDB describes it. */
export interface ExistingIndex {
  readonly definition: Document & { readonly name: string };
  /** Whether it is still being built, so that queries can't use it yet. */
  readonly isBuilding: boolean;
}

/** How an existing index of the right name differs from the needed one; `undefined`: not at all. */
type IndexDifference = 'expiry' | 'definition' | undefined;

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
function indexDifference(needed: NeededIndex, { definition }: ExistingIndex): IndexDifference {
  const hasSameKey = sameFields(definition['key'] as object, needed.key);
  const hasSameOptions =
    (definition['unique'] ?? false) === (needed.unique ?? false) &&
    (definition['sparse'] ?? false) === (needed.sparse ?? false) &&
    JSON.stringify(definition['partialFilterExpression']) === JSON.stringify(needed.partialFilterExpression);
  if (!hasSameKey || !hasSameOptions) return 'definition';
  return definition['expireAfterSeconds'] === needed.expireAfterSeconds ? undefined : 'expiry';
}

/** The order of an index's fields matters. */
function sameFields(one: object, other: object): boolean {
  return JSON.stringify(Object.entries(one)) === JSON.stringify(Object.entries(other));
}

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

/** An index to create or change, of a collection. */
export interface PlannedIndex {
  readonly collection: IndexedCollection;
  readonly index: NeededIndex;
}

/** An index, or with no name a whole collection, to drop. */
export interface PlannedDrop {
  readonly collection: string;
  readonly index?: string;
}

/** What a migration has to do. */
export interface MigrationPlan {
  /** Indexes that are missing or still being built; another migration may be building them. */
  readonly missing: readonly PlannedIndex[];
  /** Indexes whose documents are to expire after another time. */
  readonly otherExpiry: readonly PlannedIndex[];
  /** Lines about indexes that a person must drop first: an index of the same name or with the same fields is another one. */
  readonly conflicts: readonly string[];
  /** What no service of this version uses. */
  readonly retired: readonly PlannedDrop[];
}

/** Compares a database with what the services need. @param collections the compared ones. Default: all, also retired ones */
export async function planMigration(
  db: Db,
  collections: readonly IndexedCollection[] = INDEXED_COLLECTIONS,
): Promise<MigrationPlan> {
  const names = new Set((await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name));
  const indexes = await Promise.all(
    collections.map(async (collection) =>
      planIndexes(collection, names.has(collection) ? await existingIndexes(db, collection) : []),
    ),
  );
  const isWhole = collections === INDEXED_COLLECTIONS;
  const gone = isWhole ? RETIRED.collections.filter((collection) => names.has(collection)) : [];
  return {
    missing: indexes.flatMap(({ missing }) => missing),
    otherExpiry: indexes.flatMap(({ otherExpiry }) => otherExpiry),
    conflicts: indexes.flatMap(({ conflicts }) => conflicts),
    retired: [...indexes.flatMap(({ retired }) => retired), ...gone.map((collection) => ({ collection }))],
  };
}

/** Compares the indexes of one collection. Indexes that are neither needed nor retired are the operator's own, and stay. */
export function planIndexes(collection: IndexedCollection, existing: readonly ExistingIndex[]): MigrationPlan {
  const missing: PlannedIndex[] = [];
  const otherExpiry: PlannedIndex[] = [];
  const conflicts: string[] = [];
  for (const index of INDEXES[collection] as readonly NeededIndex[]) {
    const same = existing.find(({ definition }) => definition.name === index.name);
    const difference = same && indexDifference(index, same);
    const twin = existing.find(
      (each) => each !== same && sameFields(each.definition['key'] as object, index.key as object),
    );
    if (difference === 'definition')
      conflicts.push(
        `Index ${index.name} of collection ${collection} has another definition. Drop it, and migrate again.`,
      );
    else if (difference === 'expiry') otherExpiry.push({ collection, index });
    else if (same === undefined && twin !== undefined && isEquivalent(index, twin))
      conflicts.push(
        `Index ${index.name} of collection ${collection} exists under the name ${twin.definition.name}. Drop that one, and migrate again.`,
      );
    else if (same === undefined || same.isBuilding) missing.push({ collection, index });
  }
  const retired = (RETIRED.indexes[collection] ?? [])
    .filter((name) => existing.some(({ definition }) => definition.name === name))
    .map((index) => ({ collection, index }));
  return { missing, otherExpiry, conflicts, retired };
}

/** MongoDB refuses a second index with the same fields and filter. */
function isEquivalent(index: NeededIndex, { definition }: ExistingIndex): boolean {
  return (
    indexDifference(index, { definition: { ...definition, name: index.name }, isBuilding: false }) !== 'definition'
  );
}
