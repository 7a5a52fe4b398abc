import { BSON, Long, UUID, type AnyBulkWriteOperation, type Db } from 'mongodb';
import { ArchiveError } from '#orders/archive/archive-manifest.js';
import { archivedIdsCollection, type ArchivedId } from '#orders/archive/archived-ids.js';
import {
  ArchivedList,
  archivedRangesCollection,
  type ArchivedRange,
  type ArchivedState,
  type NumberRun,
} from '#orders/archive/archived-ranges.js';
import { ackedCount, hasOrders, operationsCollection, type OrdersDocument } from '#orders/operation/operation.js';
import { countByIndex } from '#orders/operation/saved-count.js';
import { type OrderDocument, ordersCollection } from '#orders/order/order-document.js';
import { unpackRuns } from '#orders/numbering/number-runs.js';
import { blocksOf, digestOf, settledBlocksCollection, type SettledBlock } from '#orders/settled/settled-blocks.js';
import { idIn } from '#reconcile/stored-content.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { hasOnlyDuplicates } from '#service/mongodb/mongo-errors.js';
import { figure } from '../environment.js';

/** Keeps each number and date as MongoDB stores it, so that an order is inserted as it was. */
const EXACTLY = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true };
/** Numbers that one query reads: about a megabyte of orders. */
const GROUP_NUMBERS = 4_000;
const GROUP_RUNS = 100;

/** The orders of one verified block, which become one archive. */
export interface ArchiveBlock {
  readonly operationId: string;
  readonly kind: OrdersDocument['kind'];
  /** The index of the first order. */
  readonly from: number;
  /** Their numbers, in the order of their indexes. */
  readonly runs: readonly NumberRun[];
  /** The lowest and the highest number. */
  readonly ends: NumberRun;
  /** Numbers without an order, because their dead letters were discarded. */
  readonly discarded: number;
  /** Numbers whose order was saved before, under another number. */
  readonly elsewhere: number;
  /** The digest of the verified block. */
  readonly digest: Buffer;
  readonly verifiedAt: Date;
}

export function toArchiveBlock({ kind }: Pick<OrdersDocument, 'kind'>, block: SettledBlock): ArchiveBlock {
  const { _id, first, last, discarded, skipped, verifiedAt } = block;
  const runs = unpackRuns(block.runs);
  return {
    operationId: _id.operationId,
    kind,
    from: runs[0]?.from ?? _id.from,
    runs: runs.map((run) => ({ first: run.first, last: run.first + run.count - 1 })),
    ends: { first, last },
    discarded,
    elsewhere: skipped,
    digest: digestOf(block),
    verifiedAt,
  };
}

/** A block that may be archived, or why orders of an operation can't be. */
export type Candidate = { readonly block: ArchiveBlock } | { readonly left: string };

/** Which orders are to be archived. */
export interface Selection {
  /** Orders that were saved before this time. */
  readonly before: Date;
  /** Those of one operation; `undefined`: of all. */
  readonly operationId?: string | undefined;
}

/** What specs replace. */
export type ArchiveStore = Pick<MongoArchiveStore, keyof MongoArchiveStore>;

/** The orders and the list of archived ranges in MongoDB. Each method can be repeated after a failure. */
export class MongoArchiveStore {
  constructor(private readonly mongo: Mongo) {}

  /** MongoDB's time. */
  now(): Date {
    return this.mongo.time.now();
  }

  /** Yields the verified blocks of ended operations that are not listed, oldest operation first. */
  candidates(selection: Selection): AsyncGenerator<Candidate> {
    return candidateBlocks(this.mongo.db, selection, this.now());
  }

  /** Yields the stored orders with these numbers as BSON, in the order of the runs, by majority reads. */
  async *documents(runs: readonly NumberRun[]): AsyncGenerator<readonly Buffer[]> {
    for (const { filter, size } of numberGroups(runs)) {
      const found = await this.orders
        .find(filter, { raw: true, batchSize: size + 1, readConcern: { level: 'majority' } })
        .sort({ number: 1 })
        .hint('number')
        .toArray();
      // With `raw` the driver returns bytes, despite the collection's type.
      if (found.length > 0) yield found as unknown as Buffer[];
    }
  }

  /** Counts the stored orders with these numbers. */
  async count(runs: readonly NumberRun[]): Promise<number> {
    let sum = 0;
    for (const { filter } of numberGroups(runs)) sum += await countByIndex(this.mongo.db, filter, 'number');
    return sum;
  }

  /** Returns all listed ranges, by number. */
  async ranges(): Promise<readonly ArchivedRange[]> {
    return this.listed.find().sort({ _id: 1 }).toArray();
  }

  /** Adds a range to the list, durably. */
  async list({ _id, ...range }: ArchivedRange): Promise<void> {
    await this.listed.updateOne({ _id }, { $setOnInsert: range }, { upsert: true });
  }

  /** Changes the state of a listed range. */
  async change({ _id }: ArchivedRange, state: ArchivedState): Promise<void> {
    await this.listed.updateOne({ _id }, { $set: { state, changedAt: this.now() } });
  }

  /** Takes a range from the list. */
  async unlist({ _id }: ArchivedRange): Promise<void> {
    await this.listed.deleteOne({ _id });
  }

  /** Stores the ids of archived orders that can't be computed. */
  async storeIds({ _id: first }: ArchivedRange, documents: readonly Buffer[]): Promise<void> {
    const writes = documents.map((document): AnyBulkWriteOperation<ArchivedId> => {
      const _id = new UUID(idIn(document));
      return { replaceOne: { filter: { _id }, replacement: { first }, upsert: true } };
    });
    await archivedIdsCollection(this.mongo.db).bulkWrite(writes, { ordered: false });
  }

  async forgetIds(documents: readonly Buffer[]): Promise<void> {
    await archivedIdsCollection(this.mongo.db).deleteMany({ _id: { $in: documents.map(toId) } });
  }

  /** Removes exactly these orders. */
  async remove(documents: readonly Buffer[]): Promise<void> {
    await this.orders.deleteMany({ _id: { $in: documents.map(toId) } });
  }

  /** Inserts these orders, except those whose id or number is taken. */
  async insert(documents: readonly Buffer[]): Promise<void> {
    const orders = documents.map((document) => BSON.deserialize(document, EXACTLY) as OrderDocument);
    try {
      await this.orders.insertMany(orders, { ordered: false });
    } catch (error) {
      // Inserted by an earlier run, or taken by another order: the comparison at the end finds out which.
      if (!hasOnlyDuplicates(error)) throw error;
    }
  }

  private get orders() {
    return ordersCollection(this.mongo.db);
  }

  private get listed() {
    return archivedRangesCollection(this.mongo.db);
  }
}

function toId(document: Buffer): UUID {
  return new UUID(idIn(document));
}

interface NumberGroup {
  readonly filter: { readonly $or: { number: { $gte: Long; $lte: Long } }[] };
  /** How many numbers it has. */
  readonly size: number;
}

/** Splits runs into groups that one query can read, in their order. Within a group, numbers ascend: a query sorts by them. */
export function* numberGroups(runs: readonly NumberRun[]): Generator<NumberGroup> {
  let group: NumberRun[] = [];
  let size = 0;
  for (const { first, last } of runs) {
    if (first < (group.at(-1)?.last ?? 0)) {
      yield toGroup(group, size);
      group = [];
      size = 0;
    }
    for (let from = first; from <= last;) {
      const to = Math.min(last, from + GROUP_NUMBERS - size - 1);
      group.push({ first: from, last: to });
      size += to - from + 1;
      from = to + 1;
      if (size < GROUP_NUMBERS && group.length < GROUP_RUNS) continue;
      yield toGroup(group, size);
      group = [];
      size = 0;
    }
  }
  if (group.length > 0) yield toGroup(group, size);
}

function toGroup(runs: readonly NumberRun[], size: number): NumberGroup {
  return { filter: { $or: runs.map((run) => ({ number: toCondition(run) })) }, size };
}

function toCondition({ first, last }: NumberRun): { $gte: Long; $lte: Long } {
  return { $gte: Long.fromNumber(first), $lte: Long.fromNumber(last) };
}

/**
 * Yields the verified blocks of all selected operations that are not listed, oldest operation first: their orders are known to be complete,
 * and their digests are stored. An operation that was requested after the date has no order from before it.
 * @throws ArchiveError `archive-refused` for an operation that does not exist or has no orders
 */
async function* candidateBlocks(db: Db, selection: Selection, now: Date): AsyncGenerator<Candidate> {
  const list = await ArchivedList.of(db).fresh();
  for (const id of await selectedIds(db, selection)) {
    const operation = await operationsCollection(db).findOne({ _id: id });
    if (operation === null || !hasOrders(operation) || operation.count === 0) continue;
    const reason = unfinishedReason(operation, now);
    if (reason !== undefined) {
      yield { left: `${operation.kind} ${id}: ${reason}` };
      continue;
    }
    yield* unlisted(db, operation, list);
  }
}

async function selectedIds(db: Db, { before, operationId }: Selection): Promise<string[]> {
  if (operationId !== undefined) await requireOrders(db, operationId);
  const filter = operationId === undefined ? {} : { _id: operationId };
  const found = await operationsCollection(db)
    .find({ ...filter, kind: { $ne: 'redrive' }, requestedAt: { $lt: before } })
    .sort({ _id: 1 })
    .project<{ _id: string }>({ _id: 1 })
    .toArray();
  return found.map(({ _id }) => _id);
}

async function requireOrders(db: Db, operationId: string): Promise<void> {
  const operation = await operationsCollection(db).findOne({ _id: operationId });
  if (operation === null) throw new ArchiveError('archive-refused', `There is no operation ${operationId}.`);
  if (!hasOrders(operation))
    throw new ArchiveError(
      'archive-refused',
      'A redrive has no orders of its own: archive the operations whose dead letters it redrove.',
    );
}

/** Returns why an operation may still get orders; `undefined` if it has ended. */
function unfinishedReason(operation: OrdersDocument, now: Date): string | undefined {
  const { status } = operation;
  if (status === 'running' || status === 'paused') return `it is ${status}: archive it when it has ended`;
  const isSending = operation.segments.some(({ lease }) => lease !== null && lease.expiresAt > now);
  return isSending ? 'a producer still sends the last of its orders: try again in a minute' : undefined;
}

/** Yields the verified blocks of an operation that are not listed, and how many orders are in no verified block. */
async function* unlisted(db: Db, operation: OrdersDocument, list: ArchivedList): AsyncGenerator<Candidate> {
  const listed = new Set(list.rangesOf(operation._id).map(({ _id }) => _id));
  let settled = 0;
  // Many short queries, because archiving takes hours.
  for (let next = 0; ;) {
    const block = await nextBlock(db, operation._id, next);
    if (block === null) break;
    settled += block.count;
    next = block.to;
    if (!listed.has(block.first)) yield { block: toArchiveBlock(operation, block) };
  }
  const left = ackedCount(operation) - settled;
  if (left > 0)
    yield {
      left: `${operation.kind} ${operation._id}: ${figure(left)} orders are not verified yet: wait for COMPACTION_DELAY_SECONDS after its end, and redrive or discard its dead letters`,
    };
}

async function nextBlock(db: Db, operationId: string, from: number): Promise<SettledBlock | null> {
  return settledBlocksCollection(db).findOne(
    { ...blocksOf(operationId, from), isCompacted: true },
    { sort: { _id: 1 }, readConcern: { level: 'majority' } },
  );
}
