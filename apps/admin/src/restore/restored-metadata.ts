import type { Db, Filter } from 'mongodb';
import { intakeBatchesCollection, type IntakeBatch } from '#orders/numbering/intake-batches.js';
import { operationsCollection, type IntakeDocument, type OperationDocument } from '#orders/operation/operation.js';
import { javaCompatiblePartitioner, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { topicPartitionsCollection, type EarlierPartitions } from '#orders/topics/topic-partitions.js';
import type { LoggedOperation, LoggedRecord, NumberRange } from './log-findings.js';

const INSERTED_AT_ONCE = 1_000;
const CHUNK_ORDERS = 1_000;
/**
 * Numbers beyond what the log explains: an order may be on the legacy system alone when MongoDB is lost, and a crash leaves the rest of a block
 * of 1,000 unused.
 */
const MARGIN = 1_000_000;
const RUNNING: Filter<OperationDocument> = {
  status: 'running',
  kind: { $in: ['populate', 'import', 'redrive'] },
  interruption: { $ne: 'cancel' },
};

/** The operations of a restored database, and the processing metadata of orders whose own is lost. */
export class RestoredOperations {
  /** @param now MongoDB's time */
  constructor(
    private readonly db: Db,
    private readonly now: () => Date,
  ) {}

  /** Returns what all of them are, by id. */
  async kinds(): Promise<ReadonlyMap<string, Pick<OperationDocument, 'kind' | 'count'>>> {
    const found = await this.collection
      .find()
      .project<Pick<OperationDocument, '_id' | 'kind' | 'count'>>({ kind: 1, count: 1 })
      .toArray();
    return new Map(found.map((operation) => [operation._id, operation]));
  }

  async find(ids: readonly string[]): Promise<OperationDocument[]> {
    return this.collection.find({ _id: { $in: [...ids] } }).toArray();
  }

  /** Finds the operations that a producer would continue, except those that are about to be cancelled. */
  async running(): Promise<string[]> {
    return (await this.collection.distinct('_id', RUNNING)).map(String);
  }

  /** Pauses operations: since the backup, each of them may have ended or been cancelled. */
  async pause(ids: readonly string[]): Promise<void> {
    await this.collection.updateMany(
      { ...RUNNING, _id: { $in: [...ids] } },
      { $set: { status: 'paused', interruption: null, waitingFor: null, 'segments.$[].lease': null } },
    );
  }

  /** Removes the batches that an interrupted restore has stored. @param above the highest number of the backup */
  async removeBatches(above: number): Promise<void> {
    await this.batches.deleteMany({ _id: { $gt: above } });
  }

  async addBatches(batches: readonly IntakeBatch[]): Promise<void> {
    for (let at = 0; at < batches.length; at += INSERTED_AT_ONCE)
      await this.batches.insertMany(batches.slice(at, at + INSERTED_AT_ONCE), { ordered: false });
  }

  /** Marks numbers as unused, so that no reader waits for their orders. @param operationId any id that no operation has */
  async addHoles(holes: Iterable<NumberRange>, operationId: string): Promise<void> {
    const at = this.now();
    let batches: IntakeBatch[] = [];
    for (const { from, to } of holes) {
      batches.push({ _id: from, operationId, from: 0, count: to - from + 1, state: 'abandoned', at });
      if (batches.length < INSERTED_AT_ONCE) continue;
      await this.addBatches(batches);
      batches = [];
    }
    await this.addBatches(batches);
  }

  /**
   * Stores an intake for each operation that the backup lacks: its orders in the log are received orders without anything else that is known.
   * A producer counts them, and closes the intake, as that of a process that has crashed.
   */
  async addLost(lost: readonly LoggedOperation[]): Promise<void> {
    const upserts = lost
      .filter(({ orders }) => orders > 0)
      .map((operation) => {
        const { _id, ...fields } = toIntake(operation);
        return { updateOne: { filter: { _id }, update: { $setOnInsert: fields }, upsert: true } };
      });
    if (upserts.length > 0) await this.collection.bulkWrite(upserts, { ordered: false });
  }

  /** Lets a producer count the orders of intakes again. @param ids intakes that have got batches */
  async reopenIntakes(ids: readonly string[]): Promise<void> {
    // Above the epochs of all earlier claims.
    const receiving = { lease: null, epoch: this.now().getTime() };
    await this.collection.updateMany(
      { _id: { $in: [...ids] }, kind: 'intake', receiving: null },
      { $set: { status: 'running', finishedAt: null, receiving } },
    );
  }

  private get collection() {
    return operationsCollection(this.db);
  }

  private get batches() {
    return intakeBatchesCollection(this.db);
  }
}

function toIntake({ id, firstAt }: LoggedOperation): IntakeDocument {
  const at = new Date(firstAt);
  return {
    _id: id,
    kind: 'intake',
    status: 'running',
    interruption: null,
    count: 0,
    acked: 0,
    firstNumber: 0,
    chunkSize: CHUNK_ORDERS,
    ratePerSecond: null,
    segments: [],
    requestedAt: at,
    startedAt: at,
    finishedAt: null,
    error: null,
    fullBlocks: [],
    reportedSaved: 0,
    receiving: { lease: null, epoch: 0 },
  };
}

interface Counter {
  readonly _id: 'next';
  readonly next: number;
}

/** The legacy numbers that the facade has assigned since the backup. */
export class FacadeNumbers {
  /** Numbers that clients have chosen, and the ids of their orders. */
  private readonly chosen = new Map<number, string>();
  private orders = 0;

  private constructor(
    private readonly db: Db,
    /** The next number that the backup would assign. */
    private readonly next: number,
  ) {}

  /** @returns `undefined` if the facade has never assigned a number */
  static async of(db: Db): Promise<FacadeNumbers | undefined> {
    const counter = await db.collection<Counter>('migrationNumbers').findOne({ _id: 'next' });
    return counter === null ? undefined : new FacadeNumbers(db, counter.next);
  }

  note({ legacy }: Pick<LoggedRecord, 'legacy'>): void {
    if (legacy === undefined || legacy.number < this.next) return;
    this.orders += 1;
    // The facade assigns one number after another: one that is far above them was chosen.
    if (legacy.number > this.next + this.orders + MARGIN) this.chosen.set(legacy.number, legacy.id);
  }

  /**
   * Lets the facade assign numbers above all that it may have assigned, and keeps those that clients have chosen. A repeat skips more numbers.
   * @returns the next number
   */
  async raise(): Promise<number> {
    const next = this.next + this.orders + 2 * MARGIN;
    for (const [number, id] of this.chosen)
      if (number >= next)
        await this.db
          .collection<{ _id: number; id: string; isConfirmed: boolean }>('migrationChosenNumbers')
          .updateOne({ _id: number }, { $setOnInsert: { id, isConfirmed: true } }, { upsert: true });
    await this.db.collection<Counter>('migrationNumbers').updateOne({ _id: 'next' }, { $max: { next } });
    return next;
  }
}

/**
 * Finds out where the records of an earlier partition count end, when the topic got more partitions after the backup: a record whose key
 * belongs to another partition under the present count was written under the earlier one, and nothing later was.
 */
export class FormerPartitions {
  private readonly ends: number[];
  private readonly partitionOf: (key: string) => number;

  /** @param ends the end offset of each partition at the backup @param now how many partitions the topic has */
  constructor(
    ends: readonly number[],
    private readonly now: number,
  ) {
    this.ends = [...ends];
    this.partitionOf = javaCompatiblePartitioner(now);
  }

  note(partition: number, offset: number, key: string | undefined): void {
    if (this.now === this.ends.length || key === undefined || partition >= this.ends.length) return;
    if (this.partitionOf(key) !== partition) this.ends[partition] = Math.max(this.ends[partition] ?? 0, offset + 1);
  }

  /** @returns `undefined` if the count is the same */
  get earlier(): Pick<EarlierPartitions, 'partitions' | 'ends'> | undefined {
    return this.now === this.ends.length ? undefined : { partitions: this.ends.length, ends: this.ends };
  }
}

/** Removes the producers of the backup and its expansion, and adds the partition count that has changed since. Repeatable. */
export async function resetTopicPartitions(
  db: Db,
  earlier: Pick<EarlierPartitions, 'partitions' | 'ends'> | undefined,
  until: Date,
): Promise<void> {
  const collection = topicPartitionsCollection(db);
  await collection.updateOne({ _id: ORDERS_TOPIC }, { $set: { producers: [], expansion: null } });
  if (earlier === undefined) return;
  await collection.updateOne(
    { _id: ORDERS_TOPIC, 'earlier.partitions': { $ne: earlier.partitions } },
    { $push: { earlier: { ...earlier, until } } },
  );
}
