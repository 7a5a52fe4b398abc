import type { Db } from 'mongodb';
import {
  INDEXED_COLLECTIONS,
  INDEXES,
  RETIRED,
  type IndexedCollection,
  type NeededIndex,
} from '#orders/database/indexes.js';
import { existingIndexes, indexDifference, sameFields, type ExistingIndex } from './existing-indexes.js';

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
