import { Long, UUID, type Db } from 'mongodb';
import { highestReservedNumber } from '#orders/numbering/number-blocks.js';
import { deadLettersCollection, type DeadLetterDocument } from '#orders/dead-letter/dead-letters.js';
import type { OperationDocument, IndexRange } from '#orders/operation/operation.js';
import { createOrderIds } from '#orders/order/order.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { countByIndex, countSaved, numbersOf } from '#orders/operation/saved-count.js';
import type { NumberRun } from '#orders/numbering/number-runs.js';
import { ArchivedList, type ArchivedRange } from '#orders/archive/archived-ranges.js';
import type { SettledBlock } from '#orders/settled/settled-blocks.js';
import type { PhantomOrder } from './compare-block.js';
import { numberOf, readStored } from './stored-content.js';

const MAJORITY = { readConcern: { level: 'majority' } } as const;
const HIGHEST_INDEX = 2 ** 48 - 1;
const MAX_STRAYS = 100;
/** Orders per query for ids with wrong numbers: MongoDB has to read each document. */
const STRAY_BLOCK_ORDERS = 100_000;

/** The used fields of a dead letter. */
export type Letter = Pick<DeadLetterDocument, 'index' | 'state' | 'fault'>;

/** Reads the stored data of one operation, by majority reads. */
export class StoredOrders {
  constructor(
    private readonly db: Db,
    private readonly operation: OperationDocument,
  ) {}

  /** Returns the raw documents with the numbers of an index range, sorted by number. */
  async documents(range: IndexRange): Promise<Buffer[]> {
    const found = await ordersCollection(this.db)
      .find(
        { number: numbersOf(this.operation, range) },
        { ...MAJORITY, raw: true, batchSize: range.to - range.from + 1 },
      )
      .sort({ number: 1 })
      .hint('number')
      .toArray();
    // With `raw` the driver returns bytes, despite the collection's type.
    return found as unknown as Buffer[];
  }

  async count(range: IndexRange): Promise<number> {
    return countSaved(this.db, this.operation, range);
  }

  /** Returns whether the operation has any dead letter. Most have none, and then the queries per block are skipped. */
  async hasLetters(): Promise<boolean> {
    const { _id: operationId } = this.operation;
    return (await deadLettersCollection(this.db).findOne({ operationId }, MAJORITY)) !== null;
  }

  async letters({ from, to }: IndexRange): Promise<Letter[]> {
    return deadLettersCollection(this.db)
      .find({ operationId: this.operation._id, index: { $gte: from, $lt: to } }, MAJORITY)
      .project<Letter>({ _id: 0, index: 1, state: 1, fault: 1 })
      .toArray();
  }

  /**
   * Finds documents of this operation outside of its numbers: by id, or, beyond all assigned numbers, by `ingest`.
   * @param others number of documents with the operation's numbers and foreign ids
   */
  async strays(others: number, signal: AbortSignal | undefined): Promise<PhantomOrder[]> {
    const strays = await this.beyondAllNumbers();
    if (this.operation.kind !== 'populate' || !(await this.hasIdsElsewhere(others))) return strays;
    const known = new Set(strays.map(({ id }) => id));
    for (const range of [...strayBlocks(this.operation.count), { from: this.operation.count, to: HIGHEST_INDEX }]) {
      signal?.throwIfAborted();
      const found = await ordersCollection(this.db)
        .find(
          { _id: this.ids(range), number: { $not: numbersOf(this.operation, { from: 0, to: this.operation.count }) } },
          MAJORITY,
        )
        .limit(MAX_STRAYS)
        .toArray();
      for (const { _id, number } of found.filter(({ _id: id }) => !known.has(String(id))))
        strays.push({
          id: String(_id),
          number: Number(number),
          reason: 'its id belongs to this operation, its number does not',
        });
      if (strays.length >= MAX_STRAYS) break;
    }
    return strays;
  }

  /** Counts ids before numbers, so that an order that is saved in between does not look like a stray. */
  private async hasIdsElsewhere(others: number): Promise<boolean> {
    const withItsIds = await countByIndex(this.db, { _id: this.ids({ from: 0, to: HIGHEST_INDEX }) }, '_id_');
    return withItsIds > (await this.count({ from: 0, to: this.operation.count })) - others;
  }

  private async beyondAllNumbers(): Promise<PhantomOrder[]> {
    const highest = await highestReservedNumber(this.db);
    const found = await ordersCollection(this.db)
      .find(
        {
          $and: [
            { $or: [{ number: { $lt: Long.ONE } }, { number: { $gt: Long.fromNumber(highest) } }] },
            // Ignore orders of other producers.
            { $or: [{ 'ingest.operationId': new UUID(this.operation._id) }, { ingest: { $exists: false } }] },
          ],
        },
        MAJORITY,
      )
      .limit(MAX_STRAYS)
      .toArray();
    return found.map(({ _id, number }) => ({
      id: String(_id),
      number: Number(number),
      reason: 'its number was never assigned',
    }));
  }

  private ids({ from, to }: IndexRange): { $gte: UUID; $lt: UUID } {
    const idOf = createOrderIds(this.operation._id);
    return { $gte: new UUID(idOf(from)), $lt: new UUID(idOf(to)) };
  }
}

function strayBlocks(count: number): IndexRange[] {
  return Array.from({ length: Math.ceil(count / STRAY_BLOCK_ORDERS) }, (_, at) => ({
    from: at * STRAY_BLOCK_ORDERS,
    to: Math.min((at + 1) * STRAY_BLOCK_ORDERS, count),
  }));
}

/** Orders and ranges that are read at once. */
const READ_ORDERS = 2_000;
const READ_RUNS = 200;

/** Splits runs into groups that are read at once, in order. */
export function* groupsOf(runs: readonly NumberRun[]): Generator<readonly NumberRun[]> {
  let group: NumberRun[] = [];
  let orders = 0;
  for (const { from, first, count } of runs)
    for (let done = 0; done < count;) {
      const size = Math.min(count - done, READ_ORDERS - orders);
      group.push({ from: from + done, first: first + done, count: size });
      done += size;
      orders += size;
      if (orders < READ_ORDERS && group.length < READ_RUNS) continue;
      yield group;
      group = [];
      orders = 0;
    }
  if (group.length > 0) yield group;
}

/** Returns the raw documents with the numbers of runs, by a majority read, sorted by number. */
export async function documentsOfRuns(db: Db, runs: readonly NumberRun[]): Promise<Buffer[]> {
  const ranges = runs.map(({ first, count }) => ({
    number: numbersOf({ firstNumber: first }, { from: 0, to: count }),
  }));
  const found = await ordersCollection(db)
    .find({ $or: ranges }, { readConcern: { level: 'majority' }, raw: true, batchSize: READ_ORDERS + 1 })
    .sort({ number: 1 })
    .hint('number')
    .toArray();
  // With `raw` the driver returns bytes, despite the collection's type.
  return found as unknown as Buffer[];
}

/** Returns the number of a raw document, whatever its layout is. */
export function numberIn(document: Buffer): number {
  return numberOf(document) ?? Number(readStored(document).number);
}

/** The archived blocks of one operation, as they were listed when the check began. */
export class ArchivedOrders {
  private constructor(private readonly ranges: readonly ArchivedRange[]) {}

  static async of(db: Db, operationId: string): Promise<ArchivedOrders> {
    const list = await ArchivedList.of(db).fresh();
    return new ArchivedOrders(list.rangesOf(operationId));
  }

  /** Returns the listed range of a verified block: only whole verified blocks are archived. `undefined`: its orders are in MongoDB. */
  rangeOf({ first }: Pick<SettledBlock, 'first'>): ArchivedRange | undefined {
    return this.ranges.find(({ _id }) => _id === first);
  }

  /**
   * Whether other ranges are listed now. Orders may have been removed meanwhile, which then seem to be missing: ranges are listed for some
   * seconds before their orders are removed.
   */
  async haveChanged(db: Db, operationId: string): Promise<boolean> {
    const now = await ArchivedOrders.of(db, operationId);
    const names = ({ ranges }: ArchivedOrders): string =>
      ranges.map(({ archive, at }) => `${archive} ${at.getTime()}`).join();
    return names(now) !== names(this);
  }
}
