import { Injectable } from '@nestjs/common';
import { type Collection, type Db, UUID } from 'mongodb';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import { consumersCollection, GONE_AFTER_MS } from '#orders/consumer/consumers.js';
import {
  type DeadLetterDocument,
  deadLettersCollection,
  type RedriveOutcome,
} from '#orders/dead-letter/dead-letters.js';
import {
  type IntakeBatch,
  intakeBatchesCollection,
  isReceivedAgain,
  unpackOrders,
} from '#orders/numbering/intake-batches.js';
import { manifestTotals } from '#orders/imports/import-manifest.js';
import {
  ackedCount,
  type SegmentedDocument,
  FULL_BLOCK_ORDERS as BLOCK,
  hasOrders,
  type OperationDocument,
  operationsCollection,
  type OrdersDocument,
  type RedriveCounts,
  type RedriveDocument,
} from '#orders/operation/operation.js';
import { countByIndex, countSaved, numbersOf } from '#orders/operation/saved-count.js';
import { fromDocument, ordersCollection } from '#orders/order/order-document.js';
import {
  besideSettled,
  blocksOf,
  outsideOf,
  settledBlocksCollection,
  settledTotals,
  type SettledTotals,
} from '#orders/settled/settled-blocks.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { ConsumerReason, OperationFindings } from './operation-response.js';

/** Maximum number of errors returned for an operation. */
const FIRST_ERRORS = 5;

/** Orders of an operation with a pending dead letter, and orders whose dead letters were discarded. */
export interface LetterCounts {
  readonly deadLettered: number;
  readonly discarded: number;
}

/** The number of saved orders by a majority count, and the dead letters read after it. */
export interface ExactCount {
  readonly saved: number;
  readonly letters: LetterCounts;
  /** When the count began. */
  readonly asOf: Date;
}

/** Findings from the dead letters and files of an operation. For a redrive they include `saved`; otherwise `SavedCount` has it. */
export type RelatedFindings = Omit<OperationFindings, 'savedAsOf'> & { readonly asOf: Date };

function toErrors(letters: readonly Pick<DeadLetterDocument, 'index' | 'error'>[]): OperationFindings['firstErrors'] {
  return letters.map(({ index, error: { code, message } }) => ({ index, code, message }));
}

/** Reads the progress of redrives from the tries in their dead letters. */
@Injectable()
export class RedriveProgress {
  constructor(private readonly mongo: Mongo) {}

  /** Counts the dead letters of a redrive by state. */
  async counts(id: string): Promise<RedriveCounts> {
    const groups = await this.collection
      .aggregate<{ _id: { outcome: RedriveOutcome | null; isSent: boolean }; count: number }>([
        { $match: { 'tries.operationId': id } },
        { $project: { try: { $filter: { input: '$tries', cond: { $eq: ['$$this.operationId', id] } } } } },
        { $unwind: '$try' },
        { $group: { _id: { outcome: '$try.outcome', isSent: { $gt: ['$try.sent', null] } }, count: { $sum: 1 } } },
      ])
      .toArray();
    const getCount = (outcome: RedriveOutcome | null, isSent?: boolean): number =>
      groups
        .filter(({ _id }) => _id.outcome === outcome && (isSent === undefined || _id.isSent === isSent))
        .reduce((sum, { count }) => sum + count, 0);
    const sent = {
      saved: getCount('saved'),
      returned: getCount('returned'),
      missing: getCount('missing'),
      waiting: getCount(null, true),
    };
    const moved = sent.saved + sent.returned + sent.missing + sent.waiting;
    return { moved, ...sent, unmovable: getCount('unmovable'), unsent: getCount(null, false) };
  }

  /** Returns the errors of the first dead letters that were dead-lettered again. */
  async firstErrors(id: string): Promise<OperationFindings['firstErrors']> {
    const returned = { tries: { $elemMatch: { operationId: id, outcome: 'returned' } } } as const;
    return toErrors(await this.collection.find(returned).sort({ _id: 1 }).limit(FIRST_ERRORS).toArray());
  }

  private get collection(): Collection<DeadLetterDocument> {
    return deadLettersCollection(this.mongo.db);
  }
}

/** Counts the outcomes of an operation's orders, by majority reads. */
@Injectable()
export class OrderOutcomes {
  constructor(
    private readonly mongo: Mongo,
    private readonly archived: ArchivedList,
    private readonly redrives: RedriveProgress,
  ) {}

  /** Reads what is in other collections than the operation's document. */
  async related(operation: OperationDocument): Promise<RelatedFindings> {
    const asOf = this.mongo.time.now();
    return { ...(hasOrders(operation) ? await this.ofOrders(operation) : await this.ofRedrive(operation)), asOf };
  }

  /**
   * Reads the dead letters after the orders, so that an order that a redrive saves meanwhile is missed once but never counted twice.
   * Uses the stored count if it already accounts for all orders, so a finished operation is counted once, not per reader.
   */
  async countExactly(operation: OrdersDocument): Promise<ExactCount> {
    const asOf = this.mongo.time.now();
    const { countedSaved = 0 } = operation;
    const letters = await this.letters(operation);
    if (countedSaved + letters.deadLettered + letters.discarded >= ackedCount(operation))
      return { saved: countedSaved, letters, asOf };
    const saved = await this.countSaved(operation);
    return { saved, letters: await this.letters(operation), asOf };
  }

  /** Returns the consumers that run, with the reason of those that can not work, by their heartbeats. */
  async consumers(): Promise<ConsumerReason[]> {
    const since = new Date(this.mongo.time.now().getTime() - GONE_AFTER_MS);
    return consumersCollection(this.mongo.db)
      .find({ at: { $gte: since } })
      .project<ConsumerReason>({ name: 1, state: 1, notReadyBecause: 1 })
      .sort({ name: 1 })
      .toArray();
  }

  private async ofOrders(operation: OrdersDocument): Promise<Omit<RelatedFindings, 'asOf'>> {
    const [letters, archived, firstErrors, importCounts] = await Promise.all([
      this.letters(operation),
      this.countArchived(operation),
      this.firstErrors(operation),
      operation.kind === 'import' ? this.importCounts(operation) : null,
    ]);
    return { ...letters, archived, firstErrors, import: importCounts, redrive: null, saved: null };
  }

  private async ofRedrive(operation: RedriveDocument): Promise<Omit<RelatedFindings, 'asOf'>> {
    const { _id, filter, limit, maxRedrives, ended } = operation;
    const [{ unsent: _unsent, ...counts }, firstErrors] = await Promise.all([
      ended ?? this.redrives.counts(_id),
      this.redrives.firstErrors(_id),
    ]);
    const redrive = { filter, limit, maxRedrives, ...counts };
    const deadLettered = counts.returned + counts.missing;
    return { saved: counts.saved, archived: null, deadLettered, discarded: 0, firstErrors, import: null, redrive };
  }

  private async importCounts({ _id }: OperationDocument): Promise<OperationFindings['import']> {
    const { files, ...rows } = await manifestTotals(this.mongo.db, _id);
    return { files: files.total, known: files.known, refused: files.refused, ...rows };
  }

  /**
   * Counts the saved orders exactly, over the `number` index, and stores the count. It reads one index key per order, except in
   * blocks that are verified, or already known as full: only such blocks can be archived. That is too expensive for progress; use it at the
   * end of an operation.
   */
  private async countSaved(operation: OrdersDocument): Promise<number> {
    const { saved, newlyFull } =
      operation.kind === 'intake'
        ? { saved: await countReceivedSaved(this.mongo.db, operation._id), newlyFull: [] }
        : await this.countSegmented(operation);
    // Orders are append-only, so both stay valid as a minimum.
    await operationsCollection(this.mongo.db).updateOne(
      { _id: operation._id },
      { $max: { countedSaved: saved }, $addToSet: { fullBlocks: { $each: [...newlyFull] } } },
    );
    return saved;
  }

  private async countSegmented(operation: SegmentedDocument): Promise<{ saved: number; newlyFull: readonly number[] }> {
    const full = new Set(operation.fullBlocks);
    const settled = await this.savedInSettled(operation);
    const newlyFull: number[] = [];
    let saved = 0;
    for (const block of startedBlocks(operation)) {
      const from = block * BLOCK;
      const size = Math.min(BLOCK, operation.count - from);
      const known = full.has(block) ? size : settled.get(from);
      const found = known ?? (await countSaved(this.mongo.db, operation, { from, to: from + size }));
      saved += found;
      if (found === size && !full.has(block)) newlyFull.push(block);
    }
    return { saved, newlyFull };
  }

  /** Returns the saved orders of each verified block, by its first index. */
  private async savedInSettled({ _id }: OrdersDocument): Promise<Map<number, number>> {
    const blocks = await settledBlocksCollection(this.mongo.db)
      .find(blocksOf(_id))
      .project<{ _id: { from: number }; saved: number }>({ saved: 1 })
      .toArray();
    return new Map(blocks.map(({ _id: { from }, saved }) => [from, saved]));
  }

  /** Counts the archived orders of an operation. They are among the saved ones. */
  private async countArchived({ _id }: OperationDocument): Promise<number> {
    const archived = await this.archived.fresh();
    return archived.rangesOf(_id).reduce((sum, { count }) => sum + count, 0);
  }

  /**
   * Counts orders, not dead letters: an order that was sent again after a crash can have several. Skips dead letters of extra records.
   * Those of verified blocks may be removed already: their block has the count.
   */
  private async letters({ _id: operationId }: OperationDocument): Promise<LetterCounts> {
    const settled = await settledTotals(this.mongo.db, operationId);
    const waits = { $in: ['$state', ['pending', 'redriving']] };
    const [found] = await deadLettersCollection(this.mongo.db)
      .aggregate<LetterCounts>(
        [
          { $match: { operationId, ...unsettled(settled), fault: { $nin: ['duplicate', 'conflict'] } } },
          { $group: { _id: '$index', waits: { $max: waits } } },
          {
            $group: {
              _id: null,
              deadLettered: { $sum: { $cond: ['$waits', 1, 0] } },
              discarded: { $sum: { $cond: ['$waits', 0, 1] } },
            },
          },
        ],
        { readConcern: { level: 'majority' } },
      )
      .toArray();
    return { deadLettered: found?.deadLettered ?? 0, discarded: (found?.discarded ?? 0) + settled.discarded };
  }

  /** Returns the errors of the first dead letters, by order index. */
  private async firstErrors({ _id: operationId }: OperationDocument): Promise<OperationFindings['firstErrors']> {
    const letters = await deadLettersCollection(this.mongo.db)
      .find({ operationId, state: { $in: ['pending', 'redriving'] } }, { readConcern: { level: 'majority' } })
      .sort({ index: 1 })
      .limit(FIRST_ERRORS)
      .toArray();
    return toErrors(letters);
  }
}

/** Matches dead letters that wait, wherever they are, and discarded ones outside of the verified blocks. */
function unsettled(settled: Pick<SettledTotals, 'ranges'>): object {
  const waiting = { state: { $in: ['pending', 'redriving'] } };
  return { $or: [waiting, { state: 'discarded', ...outsideOf(settled, 'index') }] };
}

/** Returns the indexes of blocks that may have orders, because their segment was claimed. */
function startedBlocks({ segments }: OperationDocument): Set<number> {
  const started = new Set<number>();
  for (const { from, to, epoch } of segments) {
    // The process that claimed it may have crashed before it stored progress, so the whole segment counts.
    const blocks = epoch === 0 ? 0 : Math.ceil(to / BLOCK) - Math.floor(from / BLOCK);
    for (let at = 0; at < blocks; at += 1) started.add(Math.floor(from / BLOCK) + at);
  }
  return started;
}

/** Limits of what is counted at once. */
const MAX_RANGES = 100;
const MAX_NUMBERS = 100_000;

const NUMBERED_FROM_0 = { firstNumber: 0 };

type BatchNumbers = Pick<IntakeBatch, '_id' | 'count'>;

/** Batches whose numbers are at most MAX_RANGES ranges. */
interface Group {
  readonly batches: BatchNumbers[];
  readonly ranges: { from: number; to: number }[];
  /** Sum of their orders. */
  numbers: number;
}

/**
 * Counts the acknowledged orders of an intake that are saved, by majority reads: under their own number, or, if they were saved before,
 * under the number that they have kept. Verified blocks have these counts, also when they are archived.
 */
async function countReceivedSaved(db: Db, operationId: string): Promise<number> {
  return besideSettled(
    db,
    operationId,
    async (settled) => settled.saved + settled.skipped + (await countBeside(db, operationId, settled)),
  );
}

async function countBeside(db: Db, operationId: string, settled: SettledTotals): Promise<number> {
  const batches = intakeBatchesCollection(db)
    .find({ operationId, state: 'acknowledged', ...outsideOf(settled, 'from') })
    .sort({ from: 1 })
    .project<BatchNumbers>({ count: 1 });
  let saved = 0;
  let group: Group = { batches: [], ranges: [], numbers: 0 };
  for await (const batch of batches) {
    if (group.ranges.length === MAX_RANGES || group.numbers >= MAX_NUMBERS) {
      saved += await countGroup(db, operationId, group);
      group = { batches: [], ranges: [], numbers: 0 };
    }
    add(group, batch);
  }
  return saved + (await countGroup(db, operationId, group));
}

function add(group: Group, batch: BatchNumbers): void {
  group.batches.push(batch);
  group.numbers += batch.count;
  const last = group.ranges.at(-1);
  const to = batch._id + batch.count;
  if (last?.to === batch._id) last.to = to;
  else group.ranges.push({ from: batch._id, to });
}

async function countGroup(db: Db, operationId: string, group: Group): Promise<number> {
  if (group.numbers === 0) return 0;
  const found = await countByIndex(db, withNumbers(group), 'number');
  return found === group.numbers ? found : found + (await countElsewhere(db, operationId, group));
}

/**
 * Counts orders that are saved, but not under the number that the intake gave them. A conflict has the id of a saved order and other content:
 * it is never saved, also while its record is still on the way to become a dead letter.
 */
async function countElsewhere(db: Db, operationId: string, group: Group): Promise<number> {
  const own = await ordersCollection(db)
    .find(withNumbers(group))
    .hint('number')
    .project<{ number: number }>({ _id: 0, number: 1 })
    .toArray();
  const numbers = new Set(own.map(({ number }) => number));
  const incomplete = group.batches.filter(({ _id, count }) => {
    for (let number = _id; number < _id + count; number += 1) if (!numbers.has(number)) return true;
    return false;
  });
  const batches = await intakeBatchesCollection(db)
    .find({ _id: { $in: incomplete.map(({ _id }) => _id) } })
    .toArray();
  const missing = batches.flatMap((batch) =>
    unpackOrders(batch).flatMap(({ id, hash, createdAtAssigned }, position) => {
      const number = batch._id + position;
      const received = { number, hash, assignedAt: createdAtAssigned ? batch.at : undefined };
      return numbers.has(number) ? [] : { id, index: batch.from + position, received };
    }),
  );
  const indexes = missing.map(({ index }) => index);
  const letters = await deadLettersCollection(db).distinct('index', {
    operationId,
    index: { $in: indexes },
    state: { $ne: 'saved' },
  });
  const unsaved = new Set(letters);
  // An order that was sent several times is missing several times.
  const elsewhere = Map.groupBy(
    missing.filter(({ index }) => !unsaved.has(index)),
    ({ id }) => id,
  );
  const ids = [...elsewhere.keys()].map((id) => new UUID(id));
  let saved = 0;
  for await (const document of ordersCollection(db).find({ _id: { $in: ids } }, { projection: { ingest: 0 } })) {
    const stored = fromDocument(document);
    saved += (elsewhere.get(stored.id) ?? []).filter(({ received }) => isReceivedAgain(stored, received)).length;
  }
  return saved;
}

function withNumbers({ ranges }: Group) {
  return { $or: ranges.map((range) => ({ number: numbersOf(NUMBERED_FROM_0, range) })) };
}
