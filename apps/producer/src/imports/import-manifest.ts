import { Injectable } from '@nestjs/common';
import { type Collection, MaxKey } from 'mongodb';
import { filesAfter, manifestCollection, type ManifestFile, NO_ROWS } from '#orders/imports/import-manifest.js';
import { type FileState, type RowCounts, operationsCollection } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { LeaseLostError } from '../background/operation-leases.js';
import type { RowCode } from './import-rows.js';

/**
 * An import whose files this process reads. Files, rows and rejected rows store the epoch, which prevents writes of a process that
 * lost its lease. Transactions are not used for that: one that is open when its process is killed locks its documents for more than
 * a minute.
 */
export interface ReadingClaim {
  readonly operationId: string;
  readonly epoch: number;
}

/** The fields of a file that reading changes. */
type FileChange = Partial<RowCounts & Pick<ManifestFile, 'state' | 'byteOffset' | 'reason' | 'knownFrom'>>;

/** A file as it was received. */
export type ReceivedFile = Pick<ManifestFile, 'name' | 'bytes' | 'sha256' | 'content' | 'reason'>;

const UNREAD: FileState[] = ['waiting', 'reading'];
const BATCH_FILES = 1_000;

/** Stores the files of every import, and how far each has been read. */
@Injectable()
export class ImportManifest {
  constructor(private readonly mongo: Mongo) {}

  async add(operationId: string, files: readonly ReceivedFile[]): Promise<void> {
    for (let from = 0; from < files.length; from += BATCH_FILES) {
      const some = files.slice(from, from + BATCH_FILES);
      const documents = some.map((file, at) => newFile({ operationId, file: from + at }, file));
      await this.collection.insertMany(documents, { ordered: false });
    }
  }

  async remove(operationId: string): Promise<void> {
    await this.collection.deleteMany({ _id: filesAfter(operationId, -1) });
  }

  /** Fences the unread files: from now on only the holder of this claim can change them. */
  async fence({ operationId, epoch }: ReadingClaim): Promise<void> {
    await this.collection.updateMany(
      { _id: filesAfter(operationId, -1), state: { $in: UNREAD }, epoch: { $lt: epoch } },
      { $set: { epoch } },
    );
  }

  /** Updates a file. @throws LeaseLostError when a later claim has fenced it */
  async save({ _id, epoch }: ManifestFile, change: FileChange): Promise<void> {
    const { matchedCount } = await this.collection.updateOne({ _id, epoch }, { $set: change });
    if (matchedCount === 0) throw new LeaseLostError(`lost the lease of import ${_id.operationId}`);
  }

  /** Returns the first unread file of this claim after a position; -1 starts with the first file. */
  async unread({ operationId, epoch }: ReadingClaim, after: number): Promise<ManifestFile | null> {
    const filter = { _id: filesAfter(operationId, after), state: { $in: UNREAD }, epoch };
    return this.collection.findOne(filter, { sort: { _id: 1 } });
  }

  /** Returns up to `size` files after a position, in order. */
  async page(operationId: string, after: number, size: number): Promise<ManifestFile[]> {
    return this.collection
      .find({ _id: filesAfter(operationId, after) })
      .sort({ _id: 1 })
      .limit(size)
      .toArray();
  }

  /**
   * Returns the import that has already read a file with the same bytes: this one, or one that was not cancelled and has not failed.
   * Ignores imports that are still reading the file, because they may not complete it.
   */
  async findKnown({ sha256 }: ManifestFile): Promise<string | undefined> {
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

  private get collection() {
    return manifestCollection(this.mongo.db);
  }
}

function newFile(_id: ManifestFile['_id'], file: ReceivedFile): ManifestFile {
  const state = file.reason === null ? 'waiting' : 'refused';
  return { _id, ...file, ...NO_ROWS, state, epoch: 0, byteOffset: 0, knownFrom: null };
}

/** A rejected row of an import, with all information needed to fix it. */
export interface ImportReject {
  readonly _id: { readonly operationId: string; readonly file: number; readonly row: number };
  readonly fileName: string;
  /** Offset of the row's first byte in its file. */
  readonly byteOffset: number;
  readonly code: RowCode | 'conflict' | 'order-archived' | 'broken-off' | 'trailing-text';
  readonly field?: string;
  readonly detail: string;
  /** As in `ImportRow`. */
  readonly epoch: number;
  /** The first 4 KiB of the row's text; invalid UTF-8 is replaced. */
  readonly text: string;
}

/** A position in an import's rows; `row` -1 is before the first row of the file. */
export interface RowPlace {
  readonly file: number;
  readonly row: number;
}

const READ_BATCH = 500;

/** Stores the rejected rows of imports. */
@Injectable()
export class ImportRejects {
  constructor(private readonly mongo: Mongo) {}

  /** Stores rejected rows. Idempotent. */
  async store(rejects: readonly ImportReject[]): Promise<void> {
    if (rejects.length === 0) return;
    await this.collection.bulkWrite(
      rejects.map((replacement) => ({
        replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true },
      })),
      { ordered: false },
    );
  }

  /** Deletes the rows that a batch of this or an earlier claim has stored after a position. */
  async forget(operationId: string, epoch: number, after: RowPlace): Promise<void> {
    await this.collection.deleteMany({ _id: behind(operationId, after), epoch: { $lte: epoch } });
  }

  /** Returns up to `size` rejected rows after a position, in order. */
  async page(operationId: string, after: RowPlace, size: number): Promise<ImportReject[]> {
    return this.collection
      .find({ _id: behind(operationId, after) })
      .sort({ _id: 1 })
      .limit(size)
      .toArray();
  }

  /** Streams all rejected rows of an import, in order. */
  all(operationId: string): AsyncIterable<ImportReject> {
    return this.collection
      .find({ _id: behind(operationId, { file: -1, row: -1 }) })
      .sort({ _id: 1 })
      .batchSize(READ_BATCH);
  }

  /** Removes all rejected rows of an import. */
  async remove(operationId: string): Promise<void> {
    await this.collection.deleteMany({ _id: behind(operationId, { file: -1, row: -1 }) });
  }

  private get collection(): Collection<ImportReject> {
    return this.mongo.db.collection<ImportReject>('importRejects');
  }
}

function behind(operationId: string, { file, row }: RowPlace) {
  return { $gt: { operationId, file, row }, $lt: { operationId, file: new MaxKey() } } as object;
}
