import type { Collection } from 'mongodb';
import { isDuplicateKey } from '#service/mongodb/mongo-errors.js';
import type { Mongo } from '#service/mongodb/mongo.js';

/** The legacy numbers that the facade assigns, shared by all instances. */
export interface NumberStore {
  /** Lets all further blocks begin above a number. */
  raiseAbove(highest: number): Promise<void>;

  /** Takes the next numbers; no other call ever returns them. @returns the first of them */
  take(count: number): Promise<number>;

  /** Returns the highest number that was taken for a block, or chosen; 0 before the first. */
  highest(): Promise<number>;

  /** Returns which numbers of an interval clients have chosen themselves. */
  chosen(first: number, last: number): Promise<ReadonlySet<number>>;

  /**
   * Reserves a number that a client has chosen for its order.
   * @returns `false` if it is another order's, or may be one of a block that an instance has taken
   */
  choose(number: number, id: string): Promise<boolean>;
}

const COUNTER_ID = 'next';

interface Counter {
  readonly _id: typeof COUNTER_ID;
  /** The legacy system's highest number when writes last left `off`: blocks are above it. */
  readonly base: number;
  readonly next: number;
}

interface ChosenNumber {
  readonly _id: number;
  readonly id: string;
  readonly isConfirmed: boolean;
}

/** Numbers in MongoDB: collections `migrationNumbers` and `migrationChosenNumbers`. */
export class MongoNumberStore implements NumberStore {
  private readonly counters: Collection<Counter>;
  private readonly chosenNumbers: Collection<ChosenNumber>;

  constructor(mongo: Mongo) {
    this.counters = mongo.db.collection('migrationNumbers');
    this.chosenNumbers = mongo.db.collection('migrationChosenNumbers');
  }

  async raiseAbove(highest: number): Promise<void> {
    const raised = { $max: { base: highest, next: highest + 1 } };
    await this.counters.updateOne({ _id: COUNTER_ID }, raised, { upsert: true });
  }

  async take(count: number): Promise<number> {
    const before = await this.counters.findOneAndUpdate(
      { _id: COUNTER_ID },
      { $inc: { next: count } },
      { returnDocument: 'before' },
    );
    if (before === null) throw new Error('numbers are taken before the legacy system’s highest number is known');
    return before.next;
  }

  async highest(): Promise<number> {
    const [counter, chosen] = await Promise.all([
      this.counters.findOne({ _id: COUNTER_ID }),
      this.chosenNumbers.findOne({ isConfirmed: true }, { sort: { _id: -1 } }),
    ]);
    return Math.max((counter?.next ?? 1) - 1, chosen?._id ?? 0);
  }

  async chosen(first: number, last: number): Promise<ReadonlySet<number>> {
    const found = await this.chosenNumbers.find({ _id: { $gte: first, $lte: last } }).toArray();
    return new Set(found.map(({ _id }) => _id));
  }

  async choose(number: number, id: string): Promise<boolean> {
    const known = (await this.insert(number, id)) ?? (await this.chosenNumbers.findOne({ _id: number }));
    if (known === null || known.id !== id) return false;
    if (known.isConfirmed) return true;
    // After the insert: a block that is taken from now on leaves the number out.
    const counter = await this.counters.findOne({ _id: COUNTER_ID });
    if (counter !== null && number > counter.base && number < counter.next) return false;
    await this.chosenNumbers.updateOne({ _id: number, id }, { $set: { isConfirmed: true } });
    return true;
  }

  /** @returns `undefined` if the number was chosen before */
  private async insert(number: number, id: string): Promise<ChosenNumber | undefined> {
    const document = { _id: number, id, isConfirmed: false };
    try {
      await this.chosenNumbers.insertOne(document);
      return document;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return undefined;
    }
  }
}

interface Block {
  readonly period: number;
  next: number;
  readonly end: number;
  readonly chosen: ReadonlySet<number>;
}

/**
 * Assigns legacy numbers from blocks of this instance. A block belongs to the period since writes last left `off`: in `off` the legacy
 * system assigns numbers itself, so the rest of an earlier block may be in use. A crash leaves the rest of a block as holes.
 */
export class NumberBlocks {
  private block: Block | undefined;
  private taking: Promise<void> | undefined;

  constructor(
    private readonly store: NumberStore,
    private readonly size: number,
  ) {}

  /** @param period the period of the bucket that the number is for */
  async take(period: number): Promise<number> {
    for (;;) {
      const number = this.fromBlock(period);
      if (number !== undefined) return number;
      this.taking ??= this.takeBlock(period).finally(() => {
        this.taking = undefined;
      });
      await this.taking;
    }
  }

  private fromBlock(period: number): number | undefined {
    const { block } = this;
    if (block?.period !== period) return undefined;
    while (block.chosen.has(block.next)) block.next += 1;
    if (block.next >= block.end) return undefined;
    block.next += 1;
    return block.next - 1;
  }

  private async takeBlock(period: number): Promise<void> {
    const first = await this.store.take(this.size);
    const end = first + this.size;
    this.block = { period, next: first, end, chosen: await this.store.chosen(first, end - 1) };
  }
}
