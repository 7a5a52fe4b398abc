import { Injectable } from '@nestjs/common';
import {
  filesBehind,
  manifestCollection,
  NO_ROWS,
  type FileState,
  type ManifestFile,
  type RowCounts,
} from '#orders/import-manifest.js';
import { operationsCollection } from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';
import { LeaseLostError } from '../background/lease.js';

/** A claim of an import, by its count. */
interface Fenced {
  readonly operationId: string;
  readonly epoch: number;
}

/** What reading changes of a file. */
export type FileChange = Partial<RowCounts & Pick<ManifestFile, 'state' | 'byteOffset' | 'reason' | 'knownFrom'>>;

/** A file as it was taken. */
export type ReceivedFile = Pick<ManifestFile, 'name' | 'bytes' | 'sha256' | 'content' | 'reason'>;

const UNREAD: FileState[] = ['waiting', 'reading'];
const AT_ONCE = 1_000;

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
    await this.collection.deleteMany({ _id: filesBehind(operationId, -1) });
  }

  /** From now on only the holder of this claim changes what isn't read yet. */
  async fence({ operationId, epoch }: Fenced): Promise<void> {
    await this.collection.updateMany(
      { _id: filesBehind(operationId, -1), state: { $in: UNREAD }, epoch: { $lt: epoch } },
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
    const filter = { _id: filesBehind(operationId, after), state: { $in: UNREAD }, epoch };
    return this.collection.findOne(filter, { sort: { _id: 1 } });
  }

  /** Up to so many files behind a place, in order. */
  async page(operationId: string, after: number, size: number): Promise<ManifestFile[]> {
    return this.collection
      .find({ _id: filesBehind(operationId, after) })
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

  private get collection() {
    return manifestCollection(this.mongo.db);
  }
}

function newFile(_id: ManifestFile['_id'], file: ReceivedFile): ManifestFile {
  const state = file.reason === null ? 'waiting' : 'refused';
  return { _id, ...file, ...NO_ROWS, state, epoch: 0, byteOffset: 0, knownFrom: null };
}
