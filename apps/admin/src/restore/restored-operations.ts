import type { Db, Filter } from 'mongodb';
import { intakeBatchesCollection, type IntakeBatch } from '#orders/numbering/intake-batches.js';
import { operationsCollection, type IntakeDocument, type OperationDocument } from '#orders/operation/operation.js';
import type { NumberRange } from './known-numbers.js';
import type { LoggedOperation } from './log-findings.js';

const INSERTED_AT_ONCE = 1_000;
const CHUNK_ORDERS = 1_000;

/** The operations of a restored database, and the bookkeeping of orders whose own is lost. */
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

  /** Finds the emissions that a producer would continue, except those that are about to be cancelled. */
  async running(): Promise<string[]> {
    return (await this.collection.distinct('_id', RUNNING)).map(String);
  }

  /** Pauses emissions: since the backup, each of them may have ended or been cancelled. */
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

const RUNNING: Filter<OperationDocument> = {
  status: 'running',
  kind: { $in: ['populate', 'import', 'redrive'] },
  interruption: { $ne: 'cancel' },
};

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
