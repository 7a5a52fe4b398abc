import { MaxKey, type Collection, type Db, type ObjectId } from 'mongodb';
import { type FileState, type ManifestTotals, type RowCounts, operationsCollection } from '../operation/operation.js';

/** Why a file was not read; `code` is stable. */
export interface FileReason {
  readonly code: string;
  readonly detail: string;
}

/** A file of an import and its reading progress. */
export interface ManifestFile extends RowCounts {
  readonly _id: { readonly operationId: string; readonly file: number };
  readonly name: string;
  /** Size in bytes. `bytes`, `sha256` and `content` are `null` if the file was refused unread. */
  readonly bytes: number | null;
  /** SHA-256 hash, in hexadecimal. */
  readonly sha256: string | null;
  /** The file's content in `StagedFiles`, kept until the import is read. */
  readonly content: ObjectId | null;
  readonly state: FileState;
  /** Only the process that holds the import's claim with this `reading.epoch` may change the document. */
  readonly epoch: number;
  /** All bytes before this offset are read, and their orders are stored. */
  readonly byteOffset: number;
  readonly reason: FileReason | null;
  /** The earlier import that contained the file. */
  readonly knownFrom: string | null;
}

export const NO_ROWS: RowCounts = { rows: 0, accepted: 0, skipped: 0, conflicting: 0, malformed: 0 };

export function manifestCollection(db: Db): Collection<ManifestFile> {
  return db.collection<ManifestFile>('importManifest');
}

/** Returns an `_id` range filter for the files of one import after position `file`. MongoDB compares documents field by field. */
export function filesAfter(operationId: string, file: number) {
  return { $gt: { operationId, file }, $lt: { operationId, file: new MaxKey() } } as object;
}

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
