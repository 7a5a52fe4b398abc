import { Long, UUID, type Db } from 'mongodb';
import { highestReservedNumber } from '#orders/number-blocks.js';
import { deadLettersCollection, type DeadLetterDocument } from '#orders/dead-letters.js';
import type { OperationDocument } from '#orders/operation.js';
import { orderIdsOf } from '#orders/order-id.js';
import { ordersCollection } from '#orders/orders-collection.js';
import type { IndexRange } from '#orders/segments.js';
import type { PhantomOrder } from './compare-block.js';

const MAJORITY = { readConcern: { level: 'majority' } } as const;
const HIGHEST_INDEX = 2 ** 48 - 1;
const STRANGERS = 100;
/** Documents that are looked through at once for ids in wrong places: MongoDB has to read each. */
const LOOKED_THROUGH = 100_000;

/** What of an operation's dead letters is looked at. */
export type Letter = Pick<DeadLetterDocument, 'index' | 'state' | 'fault'>;

/** What MongoDB holds of one operation, by majority reads. */
export class StoredOrders {
  constructor(
    private readonly db: Db,
    private readonly operation: OperationDocument,
  ) {}

  /** The raw documents under the numbers of a range of indexes, in the order of their numbers. */
  async documents(range: IndexRange): Promise<Buffer[]> {
    const found = await ordersCollection(this.db)
      .find({ number: this.numbers(range) }, { ...MAJORITY, raw: true, batchSize: range.to - range.from + 1 })
      .sort({ number: 1 })
      .hint('number')
      .toArray();
    // With `raw` the driver gives bytes, whatever the collection's type says.
    return found as unknown as Buffer[];
  }

  async count(range: IndexRange): Promise<number> {
    return this.countBy({ number: this.numbers(range) }, 'number');
  }

  /** Whether it has any letter at all: mostly there is none, and then none has to be looked for. */
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
   * Documents that say to be of this operation and stand outside of its numbers: by their id, or, beyond all numbers that were
   * given out, by what is said of how they came.
   * @param others how many documents under its numbers have ids that are not its own
   */
  async strays(others: number, signal: AbortSignal | undefined): Promise<PhantomOrder[]> {
    const strays = await this.beyondAllNumbers();
    if (this.operation.kind === 'import' || !(await this.hasIdsElsewhere(others))) return strays;
    const known = new Set(strays.map(({ id }) => id));
    for (const range of [...blocksOf(this.operation.count), { from: this.operation.count, to: HIGHEST_INDEX }]) {
      signal?.throwIfAborted();
      const found = await ordersCollection(this.db)
        .find({ _id: this.ids(range), number: { $not: this.numbers({ from: 0, to: this.operation.count }) } }, MAJORITY)
        .limit(STRANGERS)
        .toArray();
      for (const { _id, number } of found.filter(({ _id: id }) => !known.has(String(id))))
        strays.push({
          id: String(_id),
          number: Number(number),
          reason: 'its id is of this operation, its number is not',
        });
      if (strays.length >= STRANGERS) break;
    }
    return strays;
  }

  /** Ids are counted first: what is saved meanwhile then can't look as if it stood elsewhere. */
  private async hasIdsElsewhere(others: number): Promise<boolean> {
    const withItsIds = await this.countBy({ _id: this.ids({ from: 0, to: HIGHEST_INDEX }) }, '_id_');
    return withItsIds > (await this.count({ from: 0, to: this.operation.count })) - others;
  }

  private async beyondAllNumbers(): Promise<PhantomOrder[]> {
    const highest = await highestReservedNumber(this.db);
    const found = await ordersCollection(this.db)
      .find(
        {
          $and: [
            { $or: [{ number: { $lt: Long.ONE } }, { number: { $gt: Long.fromNumber(highest) } }] },
            // Another producer's orders are its own affair.
            { $or: [{ 'ingest.operationId': new UUID(this.operation._id) }, { ingest: { $exists: false } }] },
          ],
        },
        MAJORITY,
      )
      .limit(STRANGERS)
      .toArray();
    return found.map(({ _id, number }) => ({
      id: String(_id),
      number: Number(number),
      reason: 'its number was never given out',
    }));
  }

  /** The `count` command walks index keys alone. */
  private async countBy(query: object, hint: string): Promise<number> {
    const count = ordersCollection(this.db).collectionName;
    const { n } = await this.db.command({ count, query, hint, ...MAJORITY });
    return Number(n);
  }

  private ids({ from, to }: IndexRange): { $gte: UUID; $lt: UUID } {
    const idOf = orderIdsOf(this.operation._id);
    return { $gte: new UUID(idOf(from)), $lt: new UUID(idOf(to)) };
  }

  private numbers({ from, to }: IndexRange): { $gte: Long; $lt: Long } {
    const { firstNumber } = this.operation;
    return { $gte: Long.fromNumber(firstNumber + from), $lt: Long.fromNumber(firstNumber + to) };
  }
}

function blocksOf(count: number): IndexRange[] {
  return Array.from({ length: Math.ceil(count / LOOKED_THROUGH) }, (_, at) => ({
    from: at * LOOKED_THROUGH,
    to: Math.min((at + 1) * LOOKED_THROUGH, count),
  }));
}
