import type { Collection, Document, Filter, UpdateFilter, UpdateOneModel } from 'mongodb';
import type { LegacyOrder } from '#orders/order/order.js';
import { formatMoney, parseMoney } from '#orders/order/money.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { requireIndexes } from '#service/mongodb/indexes.js';
import { isAsked, type AskedOrders, type SideName } from '../sides/side.js';
import { type WriteMode, type Fence, BUCKETS, writeModeOf } from '../stages/stages.js';

/** An admitted write that is not final. It is removed once it is. */
export interface Intent {
  /** Counts the admitted writes of the bucket: the order of an account's writes, on both sides. */
  readonly seq: number;
  readonly epoch: number;
  readonly order: LegacyOrder;
  /** Whether the client chose the id, or the number: then an earlier order may have it. */
  readonly isIdGiven: boolean;
  readonly isNumberGiven: boolean;
  /** The primary when it was admitted: the side whose acceptance is the client's answer. */
  readonly answering: SideName;
  /** `none`: this side doesn't get the order, or has refused it. */
  readonly legacy: 'open' | 'stored' | 'none';
  /** `sent`: Kafka has it. `readable`: reads of the target return it. */
  readonly new: 'open' | 'sent' | 'readable' | 'none';
  readonly admittedAt: Date;
  /** The trace context of the client's request. Absent if it was not traced. */
  readonly traceparent?: string;
  readonly instance: string;
  /** Attempts without an outcome. */
  readonly attempts: number;
  readonly lastError: string | null;
}

/** A bucket with its open intents, in the order of their `seq`. */
export interface Bucket {
  readonly bucket: number;
  readonly epoch: number;
  readonly period: number;
  readonly mode: WriteMode;
  readonly open: readonly Intent[];
}

/** What reads need to know of an admitted write that is not final. */
export interface OpenWrite extends Pick<Intent, 'seq' | 'answering' | 'legacy' | 'new'> {
  readonly bucket: number;
  readonly number: number;
}

/** Returns whether reads of a side may miss the order although a client may know it. */
export function isMissing(intent: Pick<Intent, 'answering' | 'legacy' | 'new'>, side: SideName): boolean {
  // Where the legacy system answers, clients know an order only after it has stored it.
  if (side === 'legacy') return intent.answering === 'new' && intent.legacy === 'open';
  return intent.new === 'open' || intent.new === 'sent';
}

/** Returns whether the primary, whose answer the client gets, has not stored the order yet. */
export function isUnanswered(intent: Intent): boolean {
  return intent[intent.answering] === 'open';
}

/** Returns whether each side has the order, or doesn't get it. */
export function isFinal(intent: Intent): boolean {
  return intent.legacy !== 'open' && intent.new !== 'open' && intent.new !== 'sent';
}

/** A write that asks for admission. */
export interface AdmissionRequest {
  readonly bucket: number;
  /** The epoch that the instance knows. */
  readonly epoch: number;
  readonly intent: Omit<Intent, 'seq' | 'epoch' | 'admittedAt' | 'attempts' | 'lastError'>;
  /** Largest number of open intents in a bucket. */
  readonly maxOpen: number;
  /** Largest age of the bucket's open intents, in ms. */
  readonly maxAgeMs: number;
}

/** What is now known of an intent. Each is a fact that stays true, so that any process may store it, late or twice. */
export type IntentUpdate = { readonly bucket: number; readonly seq: number } &
  /** `none`: it has refused the order. */
  (
    | { readonly legacy: 'stored' | 'none' }
    | { readonly new: 'sent' | 'readable' }
    /** It is final, or no side will ever store it. */
    | { readonly close: true }
    /** An attempt had no outcome. */
    | { readonly error: string }
  );

/** The buckets and their open intents, shared by all instances. Every write is a majority write of one document. */
export interface BucketStore {
  /** The time of the database. */
  now(): Date;

  /** Returns a bucket; creates it, closed. */
  read(bucket: number): Promise<Bucket>;

  /**
   * Admits a write: adds its intent with the next `seq`. Refused if the epoch is not the bucket's, if an intent of an older epoch is
   * open, if an open intent of the bucket has the same id or number, or if too many or too old ones are open.
   * @returns the bucket after the admission; `null` if it is refused
   */
  admit(request: AdmissionRequest): Promise<Bucket | null>;

  /** Stores what is known of intents. Intents that are closed already stay so. */
  update(updates: readonly IntentUpdate[]): Promise<void>;

  /** Returns all buckets with open intents. */
  openBuckets(): Promise<readonly Bucket[]>;

  /** Returns the open writes of some orders. */
  findOpen(asked: AskedOrders): Promise<readonly OpenWrite[]>;

  /** Returns the open writes of some buckets. */
  openIn(buckets: readonly number[]): Promise<readonly OpenWrite[]>;

  /** Raises all buckets to a fence, except those that a later one has raised. */
  raise(fence: Fence): Promise<void>;
}

/** An intent in its bucket's document. `id` and `number` are indexed; money is text, which keeps it exact. */
type IntentDocument = Omit<Intent, 'order'> & {
  readonly id: string;
  readonly number: number;
  readonly order: Omit<LegacyOrder, 'id' | 'price' | 'amount' | 'legacy'> & {
    readonly price: string;
    readonly amount: string;
  };
};

function toIntentDocument({ order, ...intent }: Intent): IntentDocument {
  const { id, legacy, price, amount, ...content } = order;
  const stored = { ...content, price: formatMoney(price), amount: formatMoney(amount) };
  return { id, number: legacy.number, ...intent, order: stored };
}

function fromIntentDocument({ id, number, order, ...intent }: IntentDocument): Intent {
  const { price, amount, ...content } = order;
  const money = { price: parseMoney(price), amount: parseMoney(amount) };
  return { ...intent, order: { id, ...content, ...money, legacy: { number, filled: [] } } };
}

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
    return found.filter((each) => isAsked(asked, each));
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

function toUpdate(update: IntentUpdate): UpdateOneModel<BucketDocument> {
  const { bucket: _id, seq } = update;
  if ('close' in update) return { filter: { _id }, update: { $pull: { open: { seq } } } };
  const ofIntent = (change: UpdateFilter<BucketDocument>, unless: object = {}): UpdateOneModel<BucketDocument> => ({
    filter: { _id, 'open.seq': seq },
    update: change,
    arrayFilters: [{ 'intent.seq': seq, ...unless }],
  });
  if ('error' in update)
    return ofIntent({ $set: { 'open.$[intent].lastError': update.error }, $inc: { 'open.$[intent].attempts': 1 } });
  if ('legacy' in update) return ofIntent({ $set: { 'open.$[intent].legacy': update.legacy } });
  // A late `sent` of another process must not hide that the order is readable.
  return ofIntent({ $set: { 'open.$[intent].new': update.new } }, { 'intent.new': { $ne: 'readable' } });
}

function toBucket({ _id, epoch, period, mode, open }: BucketDocument): Bucket {
  return { bucket: _id, epoch, period, mode, open: open.map(fromIntentDocument) };
}
