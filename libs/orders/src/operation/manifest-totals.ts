import type { Db } from 'mongodb';
import {
  filesAfter,
  manifestCollection,
  NO_ROWS,
  type FileState,
  type ManifestTotals,
  type RowCounts,
} from './import-manifest.js';
import { operationsCollection } from './operation.js';

/** Counts an import's files by state and its rows by result, so far. After their retention it returns the stored totals. */
export async function manifestTotals(db: Db, operationId: string): Promise<ManifestTotals> {
  // Read first: the files may be removed while they are counted.
  const operation = await operationsCollection(db).findOne(
    { _id: operationId, manifestTotals: { $exists: true } },
    { projection: { kind: 1, manifestTotals: 1 } },
  );
  if (operation?.kind === 'import' && operation.manifestTotals !== undefined) return operation.manifestTotals;
  const sums = Object.fromEntries(Object.keys(NO_ROWS).map((name) => [name, { $sum: `$${name}` }]));
  const groups = await manifestCollection(db)
    .aggregate<RowCounts & { _id: FileState; files: number }>([
      { $match: { _id: filesAfter(operationId, -1) } },
      { $group: { _id: '$state', files: { $sum: 1 }, ...sums } },
    ])
    .toArray();
  const totals = { ...NO_ROWS };
  const files = { total: 0, waiting: 0, reading: 0, read: 0, refused: 0, known: 0 };
  for (const group of groups) {
    files[group._id] = group.files;
    files.total += group.files;
    for (const name of Object.keys(NO_ROWS) as (keyof RowCounts)[]) totals[name] += group[name];
  }
  return { files, ...totals };
}
