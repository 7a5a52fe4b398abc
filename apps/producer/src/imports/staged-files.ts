import { createHash } from 'node:crypto';
import { finished } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { GridFSBucket, ObjectId, type Binary, type Db, type GridFSBucketWriteStream } from 'mongodb';
import { operationsCollection } from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';
import type { ByteBudget } from './import-limits.js';
import { manifestCollection } from '#orders/import-manifest.js';

const BUCKET = 'importFiles';
/** A document of GridFS has so many bytes of a file. */
const PART_BYTES = 255 * 1024;
const PARTS_AT_ONCE = 4;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Bytes of files, and what they are. */
export interface StagedFile {
  readonly content: ObjectId;
  readonly bytes: number;
  readonly sha256: string;
}

/** Somebody has removed bytes that were to be read: no other try can find them. */
export class StagedBytesGoneError extends Error {
  override readonly name = 'StagedBytesGoneError';
  readonly code = 'staged-bytes-gone';
}

export async function ensureStagedFileIndexes(db: Db): Promise<void> {
  await db.collection(`${BUCKET}.files`).createIndexes([{ name: 'operationId', key: { 'metadata.operationId': 1 } }]);
}

/**
 * The bytes of imports until they are read: in MongoDB (GridFS), where they survive whatever happens to the process that took
 * them, and where any other one can go on with them.
 */
@Injectable()
export class StagedFiles {
  private readonly bucket: GridFSBucket;

  constructor(private readonly mongo: Mongo) {
    this.bucket = new GridFSBucket(mongo.db, { bucketName: BUCKET, chunkSizeBytes: PART_BYTES });
  }

  /** Keeps all bytes of a stream, no faster than MongoDB takes them. When it breaks off, nothing of it is kept. */
  async stage(
    content: AsyncIterable<Buffer>,
    { operationId, name, budget }: { operationId: string; name: string; budget: ByteBudget },
  ): Promise<StagedFile> {
    const hash = createHash('sha256');
    const upload = this.bucket.openUploadStream(name, { metadata: { operationId } });
    const stored = finished(upload);
    // Met below; until then it must not count as a failure that nobody looks at.
    stored.catch(() => undefined);
    try {
      for await (const chunk of content) {
        budget.spend(chunk.length);
        hash.update(chunk);
        await write(upload, chunk);
      }
      upload.end();
      await stored;
    } catch (error) {
      // Nothing is on its way to MongoDB now that could come in behind it. What can't be removed is removed by `tidy`.
      await upload.abort().catch(() => undefined);
      throw error;
    }
    return { content: upload.id, bytes: upload.length, sha256: hash.digest('hex') };
  }

  /**
   * Its bytes from a place on. Not by the driver's own stream: that fetches 16 MiB at once, which is there three times until the
   * next garbage collection.
   * @throws StagedBytesGoneError
   */
  async *read({ content, bytes }: Pick<StagedFile, 'content' | 'bytes'>, from: number): AsyncGenerator<Buffer> {
    let at = from;
    const parts = this.chunks
      .find({ files_id: content, n: { $gte: Math.floor(from / PART_BYTES) } })
      .sort({ n: 1 })
      .batchSize(PARTS_AT_ONCE);
    for await (const { n, data } of parts) {
      const part = Buffer.from(data.buffer.buffer, data.buffer.byteOffset, data.length());
      if (Math.floor(at / PART_BYTES) !== n) break;
      yield part.subarray(at - n * PART_BYTES);
      at = n * PART_BYTES + part.length;
    }
    if (at !== bytes) throw new StagedBytesGoneError(`byte ${at} of file ${String(content)} and what follows is gone`);
  }

  async remove(operationId: string): Promise<void> {
    const files = await this.files
      .find({ 'metadata.operationId': operationId })
      .project<{ _id: ObjectId }>({ _id: 1 })
      .toArray();
    await this.chunks.deleteMany({ files_id: { $in: files.map(({ _id }) => _id) } });
    await this.files.deleteMany({ 'metadata.operationId': operationId });
  }

  /**
   * Removes what nobody will read: of imports that are read or have ended, and, a day old, of uploads that broke off together
   * with the process that took them.
   */
  async tidy(now: Date): Promise<void> {
    const yesterday = new Date(now.getTime() - DAY_MS);
    const groups = await this.files
      .aggregate<{ _id: string; newest: Date }>([
        { $group: { _id: '$metadata.operationId', newest: { $max: '$uploadDate' } } },
      ])
      .toArray();
    const ids = groups.map(({ _id }) => _id);
    const operations = await operationsCollection(this.mongo.db)
      .find({ _id: { $in: ids } })
      .toArray();
    for (const { _id, newest } of groups) {
      const operation = operations.find((each) => each._id === _id);
      if (operation === undefined && newest > yesterday) continue;
      const isRead = operation?.kind === 'import' && operation.reading === null;
      if (operation !== undefined && !isRead && ['running', 'paused'].includes(operation.status)) continue;
      if (operation === undefined) await manifestCollection(this.mongo.db).deleteMany({ '_id.operationId': _id });
      await this.remove(_id);
    }
    await this.removeHalfUploaded(yesterday);
  }

  /** A file's document is written after its chunks. */
  private async removeHalfUploaded(before: Date): Promise<void> {
    const limit = ObjectId.createFromTime(Math.floor(before.getTime() / 1_000));
    const ids = await this.chunks.distinct('files_id', { files_id: { $lt: limit } });
    const whole = new Set((await this.files.distinct('_id', { _id: { $in: ids } })).map(String));
    await this.chunks.deleteMany({ files_id: { $in: ids.filter((id) => !whole.has(String(id))) } });
  }

  private get files() {
    return this.mongo.db.collection<{ _id: ObjectId; uploadDate: Date; metadata: { operationId: string } }>(
      `${BUCKET}.files`,
    );
  }

  private get chunks() {
    return this.mongo.db.collection<{ files_id: ObjectId; n: number; data: Binary }>(`${BUCKET}.chunks`);
  }
}

/** Resolves when MongoDB has it, or the stream has room for more. */
async function write(upload: GridFSBucketWriteStream, chunk: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    upload.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}
