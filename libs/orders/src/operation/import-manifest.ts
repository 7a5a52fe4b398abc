import { MaxKey, type Collection, type Db, type ObjectId } from 'mongodb';

/** Counts of file rows by result. `rows` is the sum of the other four. */
export interface RowCounts {
  readonly rows: number;
  /** Rows that became orders of the import. */
  readonly accepted: number;
  /** Orders that exist already with the same content. */
  readonly skipped: number;
  /** Orders that exist already with different content; they are set aside. */
  readonly conflicting: number;
  /** Rows that are not valid orders; they are set aside. */
  readonly malformed: number;
}

/** Why a file was not read; `code` is stable. */
export interface FileReason {
  readonly code: string;
  readonly detail: string;
}

/** `known`: an earlier import contained the same file, byte for byte, so this one is not read. */
export type FileState = 'waiting' | 'reading' | 'read' | 'refused' | 'known';

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

export interface ManifestTotals extends RowCounts {
  readonly files: Readonly<Record<FileState | 'total', number>>;
}

export const NO_ROWS: RowCounts = { rows: 0, accepted: 0, skipped: 0, conflicting: 0, malformed: 0 };

export function manifestCollection(db: Db): Collection<ManifestFile> {
  return db.collection<ManifestFile>('importManifest');
}

/** Returns an `_id` range filter for the files of one import after position `file`. MongoDB compares documents field by field. */
export function filesAfter(operationId: string, file: number) {
  return { $gt: { operationId, file }, $lt: { operationId, file: new MaxKey() } } as object;
}
