import type { Collection, Document, Filter } from 'mongodb';
import type { Mongo } from '#service/mongodb/mongo.js';
import { requireIndexes } from '#service/mongodb/require-indexes.js';
import type { AskedOrders } from '../sides/legacy-read.js';
import { BUCKETS } from '../stages/buckets.js';
import type { Fence } from '../stages/migration-snapshot.js';
import { writeModeOf, type WriteMode } from '../stages/write-mode.js';
import type { AdmissionRequest, BucketStore, IntentUpdate } from './bucket-store.js';
import { fromIntentDocument, toIntentDocument, type IntentDocument } from './intent-document.js';
import type { Bucket, OpenWrite } from './intent.js';

interface BucketDocument {
  readonly _id: number;
  readonly epoch: number;
  readonly period: number;
  readonly mode: WriteMode;
  readonly seq: number;
  readonly open: readonly IntentDocument[];
}

interface StoredOpenWrite extends OpenWrite {
  readonly id: string;
}

interface StoredOpenWrites {
  readonly _id: number;
  readonly open: readonly Omit<StoredOpenWrite, 'bucket'>[];
}

const ALL_BUCKETS = Array.from({ length: BUCKETS }, (_, bucket) => bucket);

/** The buckets in MongoDB: the collection `migrationBuckets`, with at most 1,024 documents. */
export class MongoBucketStore implements BucketStore {
  private readonly buckets: Collection<BucketDocument>;
  private prepared: Promise<void> | undefined;

  constructor(private readonly mongo: Mongo) {
    this.buckets = mongo.db.collection('migrationBuckets');
  }

  now(): Date {
    return this.mongo.time.now();
  }

  async read(bucket: number): Promise<Bucket> {
    const found = await this.buckets.findOne({ _id: bucket });
    return found === null ? { bucket, epoch: 0, period: 0, mode: 'closed', open: [] } : toBucket(found);
  }

  async admit({ bucket, epoch, intent, maxOpen, maxAgeMs }: AdmissionRequest): Promise<Bucket | null> {
    const now = this.now();
    const { seq: _counted, ...document } = toIntentDocument({
      ...intent,
      seq: 0,
      epoch,
      admittedAt: now,
      attempts: 0,
      lastError: null,
    });
    const { id, number } = document;
    const filter: Filter<BucketDocument> = {
      _id: bucket,
      epoch,
      mode: { $ne: 'closed' },
      [`open.${maxOpen - 1}`]: { $exists: false },
      $nor: [
        { open: { $elemMatch: { epoch: { $lt: epoch } } } },
        { open: { $elemMatch: { admittedAt: { $lt: new Date(now.getTime() - maxAgeMs) } } } },
        { 'open.id': id },
        { 'open.number': number },
      ],
    };
    const next = { $add: ['$seq', 1] };
    // `$literal`: a text of a client that begins with `$` would be a field.
    const added = { $mergeObjects: [{ seq: next }, { $literal: document }] };
    const update: Document[] = [{ $set: { seq: next, open: { $concatArrays: ['$open', [added]] } } }];
    const found = await this.buckets.findOneAndUpdate(filter, update, { returnDocument: 'after' });
    return found === null ? null : toBucket(found);
  }

  async update(updates: readonly IntentUpdate[]): Promise<void> {
    if (updates.length === 0) return;
    const writes = updates.map((update) => ({ updateOne: toUpdate(update) }));
    await this.buckets.bulkWrite(writes, { ordered: false });
  }

  async openBuckets(): Promise<readonly Bucket[]> {
    return (await this.buckets.find({ 'open.id': { $exists: true } }).toArray()).map(toBucket);
  }

  async findOpen(asked: AskedOrders): Promise<readonly OpenWrite[]> {
    const matching: Filter<IntentDocument> =
      'id' in asked ? { id: asked.id } : { number: { $gte: asked.from, $lte: asked.to } };
    const found = await this.openWrites({ open: { $elemMatch: matching } });
    return found.filter((each) => isAsked(each, asked));
  }

  async openIn(buckets: readonly number[]): Promise<readonly OpenWrite[]> {
    return this.openWrites({ _id: { $in: [...buckets] } });
  }

  private async openWrites(filter: Filter<BucketDocument>): Promise<StoredOpenWrite[]> {
    const fields = {
      'open.seq': 1,
      'open.id': 1,
      'open.number': 1,
      'open.answering': 1,
      'open.legacy': 1,
      'open.new': 1,
    };
    const found = await this.buckets.find(filter).project<StoredOpenWrites>(fields).toArray();
    return found.flatMap(({ _id: bucket, open }) => open.map((each) => ({ bucket, ...each })));
  }

  async raise(fence: Fence): Promise<void> {
    const { epoch, period } = fence;
    const byMode = Map.groupBy(ALL_BUCKETS, (bucket) => writeModeOf(bucket, fence));
    this.prepared ??= this.prepare();
    await this.prepared.catch((error: unknown) => {
      this.prepared = undefined;
      throw error;
    });
    for (const [mode, buckets] of byMode)
      await this.buckets.updateMany(
        { _id: { $in: buckets }, epoch: { $lt: epoch } },
        { $set: { epoch, period, mode } },
      );
  }

  /** Verifies the indexes, and creates the buckets that don't exist yet. Not at the start: the facade also starts without MongoDB. */
  private async prepare(): Promise<void> {
    await requireIndexes(this.mongo.db, ['migrationBuckets', 'migrationAudit']);
    const $setOnInsert = { epoch: 0, period: 0, mode: 'closed', seq: 0, open: [] } as const;
    const upserts = ALL_BUCKETS.map((_id) => ({
      updateOne: { filter: { _id }, update: { $setOnInsert }, upsert: true },
    }));
    await this.buckets.bulkWrite(upserts, { ordered: false });
  }
}

function toUpdate(update: IntentUpdate) {
  const { bucket: _id, seq } = update;
  if ('close' in update) return { filter: { _id }, update: { $pull: { open: { seq } } } };
  const filter = { _id, 'open.seq': seq };
  if ('error' in update) {
    const change = { $set: { 'open.$[intent].lastError': update.error }, $inc: { 'open.$[intent].attempts': 1 } };
    return { filter, update: change, arrayFilters: [{ 'intent.seq': seq }] };
  }
  if ('legacy' in update)
    return {
      filter,
      update: { $set: { 'open.$[intent].legacy': update.legacy } },
      arrayFilters: [{ 'intent.seq': seq }],
    };
  return {
    filter,
    update: { $set: { 'open.$[intent].new': update.new } },
    // A late `sent` of another process must not hide that the order is readable.
    arrayFilters: [{ 'intent.seq': seq, 'intent.new': { $ne: 'readable' as const } }],
  };
}

function toBucket({ _id, epoch, period, mode, open }: BucketDocument): Bucket {
  return { bucket: _id, epoch, period, mode, open: open.map(fromIntentDocument) };
}

function isAsked({ id, number }: StoredOpenWrite, asked: AskedOrders): boolean {
  return 'id' in asked ? id === asked.id : number >= asked.from && number <= asked.to;
}
