import { MaxKey, type Collection, type Db, type ObjectId } from 'mongodb';

/** Rows of files, by what became of them: the last four make up the first. */
export interface RowCounts {
  readonly rows: number;
  /** Orders of the import. */
  readonly accepted: number;
  /** Orders that are there already, with the same content. */
  readonly skipped: number;
  /** Orders that are there already with other content: set aside. */
  readonly conflicting: number;
  /** No orders: set aside. */
  readonly malformed: number;
}

/** Why a file was not read; `code` is stable. */
export interface FileReason {
  readonly code: string;
  readonly detail: string;
}

/** `known`: an import had it before, byte for byte, so nothing is read of it. */
export type FileState = 'waiting' | 'reading' | 'read' | 'refused' | 'known';

/** A file of an import: what it is, and how far it is read. */
export interface ManifestFile extends RowCounts {
  readonly _id: { readonly operationId: string; readonly file: number };
  readonly name: string;
  /** `null`, as the two below: it was refused unread. */
  readonly bytes: number | null;
  /** In hexadecimal. */
  readonly sha256: string | null;
  /** Its bytes in `StagedFiles`, until the import is read. */
  readonly content: ObjectId | null;
  readonly state: FileState;
  /** The claim of the import that may change it, as `reading.epoch` counts them. */
  readonly epoch: number;
  /** All before it is read, and its orders are stored. */
  readonly byteOffset: number;
  readonly reason: FileReason | null;
  /** The import that had it before. */
  readonly knownFrom: string | null;
}

export interface ManifestTotals extends RowCounts {
  readonly files: Readonly<Record<FileState | 'total', number>>;
}

export const NO_ROWS: RowCounts = { rows: 0, accepted: 0, skipped: 0, conflicting: 0, malformed: 0 };

export function manifestCollection(db: Db): Collection<ManifestFile> {
  return db.collection<ManifestFile>('importManifest');
}

export async function ensureManifestIndexes(db: Db): Promise<void> {
  await manifestCollection(db).createIndexes([{ name: 'sha256', key: { sha256: 1 } }]);
}

/** Files of one import behind a place, by `_id` alone: documents compare field by field. */
export function filesBehind(operationId: string, file: number) {
  return { $gt: { operationId, file }, $lt: { operationId, file: new MaxKey() } } as object;
}

/** What has become of an import's files and their rows so far. */
export async function manifestTotals(db: Db, operationId: string): Promise<ManifestTotals> {
  const sums = Object.fromEntries(Object.keys(NO_ROWS).map((name) => [name, { $sum: `$${name}` }]));
  const groups = await manifestCollection(db)
    .aggregate<RowCounts & { _id: FileState; files: number }>([
      { $match: { _id: filesBehind(operationId, -1) } },
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
