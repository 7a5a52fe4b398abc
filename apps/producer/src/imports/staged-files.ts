import { createHash } from 'node:crypto';
import { finished } from 'node:stream/promises';
import { HttpStatus, Injectable } from '@nestjs/common';
import { type Binary, type Db, GridFSBucket, type GridFSBucketWriteStream, ObjectId } from 'mongodb';
import { manifestCollection } from '#orders/imports/import-manifest.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { Problem } from '#service/http/problem.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { ProducerSettings } from '../settings-schema.js';
import type { ByteBudget } from './incoming-files.js';

const BUCKET = 'importFiles';
/** The collection with a document for each staged file. */
const STAGED_FILES = `${BUCKET}.files`;
/** Size of a GridFS chunk, in bytes. */
const PART_BYTES = 255 * 1024;
const READ_BATCH_PARTS = 4;
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** A file stored in GridFS. */
interface StagedFile {
  readonly content: ObjectId;
  readonly bytes: number;
  readonly sha256: string;
}

/** The file to stage, and who sends it. */
interface StagingRequest {
  readonly operationId: string;
  readonly caller: string;
  readonly name: string;
  readonly budget: ByteBudget;
}

/** Staged bytes that are still to be read have been removed; a retry cannot succeed. */
export class StagedBytesMissingError extends Error {
  override readonly name = 'StagedBytesMissingError';
  readonly code = 'staged-bytes-gone';
}

/**
 * Stores the bytes of imports in MongoDB (GridFS) until they are read. They survive a crash of the process that received them, and
 * any other process can continue with them.
 */
@Injectable()
export class StagedFiles {
  private readonly bucket: GridFSBucket;

  constructor(private readonly mongo: Mongo) {
    this.bucket = new GridFSBucket(mongo.db, { bucketName: BUCKET, chunkSizeBytes: PART_BYTES });
  }

  /** Stores all bytes of a stream, with back-pressure from MongoDB. If the stream fails, nothing is kept. */
  async stage(
    content: AsyncIterable<Buffer>,
    { operationId, caller, name, budget }: StagingRequest,
  ): Promise<StagedFile> {
    const hash = createHash('sha256');
    const touchedAt = this.mongo.time.now();
    let touchAt = touchedAt.getTime() + HOUR_MS;
    // The driver takes the id's time and `uploadDate` from the host's clock: if that is a day behind, `tidy` would remove the bytes.
    const id = new ObjectId(ObjectId.generate(Math.floor(touchedAt.getTime() / 1_000)));
    const upload = this.bucket.openUploadStreamWithId(id, name, { metadata: { operationId, caller, touchedAt } });
    const stored = finished(upload);
    // A failure is handled at `await stored`; until then it must not count as an unhandled rejection.
    stored.catch(() => undefined);
    try {
      for await (const chunk of content) {
        budget.spend(chunk.length);
        hash.update(chunk);
        await write(upload, chunk);
        const now = this.mongo.time.now();
        if (now.getTime() < touchAt) continue;
        touchAt = now.getTime() + HOUR_MS;
        await this.touch(operationId, now);
      }
      upload.end();
      await stored;
    } catch (error) {
      // No write is in flight now that could follow the removal. If this fails, `tidy` removes the bytes.
      await upload.abort().catch(() => undefined);
      throw error;
    }
    return { content: upload.id, bytes: upload.length, sha256: hash.digest('hex') };
  }

  /**
   * Yields the bytes of a file from an offset on. Does not use the driver's own stream, which fetches 16 MiB at once and keeps
   * three copies of it until the next garbage collection.
   * @throws StagedBytesMissingError
   */
  async *read({ content, bytes }: Pick<StagedFile, 'content' | 'bytes'>, from: number): AsyncGenerator<Buffer> {
    let at = from;
    const parts = this.chunks
      .find({ files_id: content, n: { $gte: Math.floor(from / PART_BYTES) } })
      .sort({ n: 1 })
      .batchSize(READ_BATCH_PARTS);
    for await (const { n, data } of parts) {
      const part = Buffer.from(data.buffer.buffer, data.buffer.byteOffset, data.length());
      if (Math.floor(at / PART_BYTES) !== n) break;
      yield part.subarray(at - n * PART_BYTES);
      at = n * PART_BYTES + part.length;
    }
    if (at !== bytes)
      throw new StagedBytesMissingError(`the bytes of file ${String(content)} from offset ${at} on are missing`);
  }

  async remove(operationId: string): Promise<void> {
    const files = await this.files
      .find({ 'metadata.operationId': operationId })
      .project<{ _id: ObjectId }>({ _id: 1 })
      .toArray();
    await this.chunks.deleteMany({ files_id: { $in: files.map(({ _id }) => _id) } });
    await this.files.deleteMany({ 'metadata.operationId': operationId });
  }

  /** Notes that the upload of an operation is still under way: earlier files of it may be days old when its last one arrives. */
  private async touch(operationId: string, now: Date): Promise<void> {
    await this.files.updateMany({ 'metadata.operationId': operationId }, { $set: { 'metadata.touchedAt': now } });
  }

  /**
   * Removes files that are no longer needed: those of imports that are read or have ended, and those of uploads that were
   * interrupted by a crash: that received nothing for a day, by MongoDB's clock. An upload may take longer than a day.
   */
  async tidy(): Promise<void> {
    const yesterday = new Date(this.mongo.time.now().getTime() - DAY_MS);
    const groups = await this.files
      .aggregate<{ _id: string; newest: Date }>([
        {
          $group: { _id: '$metadata.operationId', newest: { $max: { $max: ['$uploadDate', '$metadata.touchedAt'] } } },
        },
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

  /**
   * Removes chunks without a file document: the document is written after the chunks, so their upload was interrupted, if none of them is
   * new. The driver creates the id of a chunk when it writes it.
   */
  private async removeHalfUploaded(before: Date): Promise<void> {
    const limit = ObjectId.createFromTime(Math.floor(before.getTime() / 1_000));
    const ids = await this.chunks.distinct('files_id', { files_id: { $lt: limit } });
    const growing = new Set((await this.chunks.distinct('files_id', { _id: { $gte: limit } })).map(String));
    const whole = new Set((await this.files.distinct('_id', { _id: { $in: ids } })).map(String));
    await this.chunks.deleteMany({
      files_id: { $in: ids.filter((id) => !whole.has(String(id)) && !growing.has(String(id))) },
    });
  }

  private get files() {
    return this.mongo.db.collection<{
      _id: ObjectId;
      uploadDate: Date;
      metadata: { operationId: string; touchedAt?: Date };
    }>(STAGED_FILES);
  }

  private get chunks() {
    return this.mongo.db.collection<{ _id: ObjectId; files_id: ObjectId; n: number; data: Binary }>(`${BUCKET}.chunks`);
  }
}

/** Resolves when MongoDB has stored the chunk or the stream can take more. */
async function write(upload: GridFSBucketWriteStream, chunk: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    upload.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

const RETRY_AFTER = { 'Retry-After': '30' };

type StagingLimits = Pick<ProducerSettings, 'STAGED_BYTES_PER_CALLER' | 'STAGED_BYTES_IN_TOTAL'>;

/**
 * Limits the bytes that imports have staged in MongoDB, by all processes, and that are still to be read. It is checked before an import is
 * received: imports that are received at the same time can exceed it by `IMPORT_MAX_BYTES` each.
 * @param limits 0: no limit
 * @throws Problem 429 when the caller has staged too much, 503 when all callers together have
 */
export async function requireStagingRoom(db: Db, caller: string, limits: StagingLimits): Promise<void> {
  const { STAGED_BYTES_PER_CALLER: perCaller, STAGED_BYTES_IN_TOTAL: inTotal } = limits;
  const isOwn = { $eq: ['$metadata.caller', caller] };
  const [sums] = await db
    .collection(STAGED_FILES)
    .aggregate<{ own: number; total: number }>([
      { $group: { _id: null, total: { $sum: '$length' }, own: { $sum: { $cond: [isOwn, '$length', 0] } } } },
    ])
    .toArray();
  const { own, total } = sums ?? { own: 0, total: 0 };
  if (perCaller > 0 && own >= perCaller)
    throw staged(HttpStatus.TOO_MANY_REQUESTS, `You have staged ${own} bytes`, 'STAGED_BYTES_PER_CALLER', perCaller);
  if (inTotal > 0 && total >= inTotal)
    throw staged(HttpStatus.SERVICE_UNAVAILABLE, `${total} bytes are staged`, 'STAGED_BYTES_IN_TOTAL', inTotal);
}

function staged(status: HttpStatus, what: string, setting: keyof StagingLimits, limit: number): Problem {
  const detail = `${what} that are still to be read, and the limit is ${limit} (setting ${setting}). Nothing was imported. Retry when an import has been read.`;
  return new Problem(status, 'too-many-staged-bytes', detail, {}, RETRY_AFTER);
}
