import { Injectable } from '@nestjs/common';
import { MaxKey, type Collection, type Db, type ObjectId } from 'mongodb';
import { operationsCollection } from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';
import { LeaseLostError } from '../emission/segment-leases.js';

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

/** A claim of an import, by its count. */
interface Fenced {
  readonly operationId: string;
  readonly epoch: number;
}

/** What reading changes of a file. */
export type FileChange = Partial<RowCounts & Pick<ManifestFile, 'state' | 'byteOffset' | 'reason' | 'knownFrom'>>;

/** A file as it was taken. */
export type ReceivedFile = Pick<ManifestFile, 'name' | 'bytes' | 'sha256' | 'content' | 'reason'>;

export interface ManifestTotals extends RowCounts {
  readonly files: Readonly<Record<FileState | 'total', number>>;
}

const NO_ROWS: RowCounts = { rows: 0, accepted: 0, skipped: 0, conflicting: 0, malformed: 0 };
const UNREAD: FileState[] = ['waiting', 'reading'];
const AT_ONCE = 1_000;

export function manifestCollection(db: Db): Collection<ManifestFile> {
  return db.collection<ManifestFile>('importManifest');
}

export async function ensureManifestIndexes(db: Db): Promise<void> {
  await manifestCollection(db).createIndexes([{ name: 'sha256', key: { sha256: 1 } }]);
}

/** Files of one import behind a place, by `_id` alone: documents compare field by field. */
function behind(operationId: string, file: number) {
  return { $gt: { operationId, file }, $lt: { operationId, file: new MaxKey() } } as object;
}

/** What every import's files are, and how far each is read. */
@Injectable()
export class ImportManifest {
  constructor(private readonly mongo: Mongo) {}

  async add(operationId: string, files: readonly ReceivedFile[]): Promise<void> {
    for (let from = 0; from < files.length; from += AT_ONCE) {
      const some = files.slice(from, from + AT_ONCE);
      const documents = some.map((file, at) => newFile({ operationId, file: from + at }, file));
      await this.collection.insertMany(documents, { ordered: false });
    }
  }

  async remove(operationId: string): Promise<void> {
    await this.collection.deleteMany({ _id: behind(operationId, -1) });
  }

  /** From now on only the holder of this claim changes what isn't read yet. */
  async fence({ operationId, epoch }: Fenced): Promise<void> {
    await this.collection.updateMany(
      { _id: behind(operationId, -1), state: { $in: UNREAD }, epoch: { $lt: epoch } },
      { $set: { epoch } },
    );
  }

  /** @param file as it was found. @throws LeaseLostError when a later claim has fenced it */
  async save({ _id, epoch }: ManifestFile, change: FileChange): Promise<void> {
    const { matchedCount } = await this.collection.updateOne({ _id, epoch }, { $set: change });
    if (matchedCount === 0) throw new LeaseLostError(`import ${_id.operationId} is no longer read by this process`);
  }

  /** The first file behind a place (-1: the first of all) that isn't read to its end, and that this claim may read. */
  async unread({ operationId, epoch }: Fenced, after: number): Promise<ManifestFile | null> {
    const filter = { _id: behind(operationId, after), state: { $in: UNREAD }, epoch };
    return this.collection.findOne(filter, { sort: { _id: 1 } });
  }

  /** Up to so many files behind a place, in order. */
  async page(operationId: string, after: number, size: number): Promise<ManifestFile[]> {
    return this.collection
      .find({ _id: behind(operationId, after) })
      .sort({ _id: 1 })
      .limit(size)
      .toArray();
  }

  /**
   * The import that has read the very same bytes: this one, or another one that was not ended before all was emitted.
   * Not one that is still reading them: nobody knows yet whether it will.
   */
  async readBefore({ sha256 }: ManifestFile): Promise<string | undefined> {
    const files = await this.collection
      .find({ sha256, state: 'read' })
      .project<Pick<ManifestFile, '_id'>>({ _id: 1 })
      .toArray();
    const ids = [...new Set(files.map(({ _id }) => _id.operationId))];
    if (ids.length === 0) return undefined;
    const operation = await operationsCollection(this.mongo.db).findOne(
      { _id: { $in: ids }, status: { $nin: ['cancelled', 'failed'] } },
      { sort: { _id: 1 }, projection: { _id: 1 } },
    );
    return operation?._id;
  }

  async totals(operationId: string): Promise<ManifestTotals> {
    const sums = Object.fromEntries(Object.keys(NO_ROWS).map((name) => [name, { $sum: `$${name}` }]));
    const groups = await this.collection
      .aggregate<RowCounts & { _id: FileState; files: number }>([
        { $match: { _id: behind(operationId, -1) } },
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

  private get collection() {
    return manifestCollection(this.mongo.db);
  }
}

function newFile(_id: ManifestFile['_id'], file: ReceivedFile): ManifestFile {
  const state = file.reason === null ? 'waiting' : 'refused';
  return { _id, ...file, ...NO_ROWS, state, epoch: 0, byteOffset: 0, knownFrom: null };
}
