import type { Db, MongoClient } from 'mongodb';
import { archivedRangesCollection } from '#orders/archive/archived-ranges.js';
import { deadLettersCollection, type DeadLetterDocument } from '#orders/dead-letter/dead-letters.js';
import { chunksCollection } from '#orders/operation/acknowledged-chunks.js';
import {
  intakeBatchesCollection,
  packOrders,
  unpackOrders,
  type IntakeBatch,
} from '#orders/numbering/intake-batches.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { topicPartitionsCollection } from '#orders/topics/topic-partitions.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { UnsavedBatch, UnsavedEmission } from './unsaved-orders.js';

const NO_FAULTS = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };
const LETTERS_AT_ONCE = 1_000;

/** Makes MongoDB forget a log that is lost: positions in it must not be taken for positions in the new one. Each call can be repeated. */
export class ForgetLog {
  /** @param now MongoDB's time */
  constructor(
    private readonly client: MongoClient,
    private readonly db: Db,
    private readonly now: () => Date,
  ) {}

  /** Lets producers emit segments again from their first order. What is saved already is recognised. */
  async emitAgain({ id, status, segments }: UnsavedEmission): Promise<void> {
    for (const { from, to } of segments) {
      await deadLettersCollection(this.db).deleteMany({ operationId: id, index: { $gte: from, $lt: to } });
      const range = { $gte: { operationId: id, from }, $lt: { operationId: id, from: to } };
      await chunksCollection(this.db).deleteMany({ _id: range });
      await operationsCollection(this.db).updateOne(
        { _id: id },
        {
          $set: {
            'segments.$[one].generatedTo': from,
            'segments.$[one].ackedTo': from,
            'segments.$[one].isDone': false,
            'segments.$[one].faults': NO_FAULTS,
            'segments.$[one].lease': null,
          },
          $inc: { 'segments.$[one].epoch': 1 },
        },
        { arrayFilters: [{ 'one.from': from }] },
      );
    }
    if (status !== 'succeeded') return;
    await operationsCollection(this.db).updateOne(
      { _id: id, status },
      { $set: { status: 'running', finishedAt: null, schedule: null } },
    );
  }

  /** Marks the numbers of received orders that are lost as unused, so that no reader waits for them. */
  async abandon({ batch, orders }: UnsavedBatch): Promise<void> {
    const parts = splitBatch(batch, new Set(orders.map(({ number }) => number)));
    await this.client.withSession((session) =>
      session.withTransaction(async () => {
        const batches = intakeBatchesCollection(this.db);
        await batches.deleteOne({ _id: batch._id }, { session });
        await batches.insertMany(parts, { session });
      }),
    );
  }

  /**
   * Gives the dead letters ids that no record of the new topics can have. Their own records are lost: they stay pending, and can only be
   * discarded.
   */
  async renameLetters(): Promise<number> {
    const letters = deadLettersCollection(this.db);
    const lostAt = this.now().getTime();
    let renamed = 0;
    for (;;) {
      const found = await letters
        .find({ _id: { $regex: `^${ORDERS_TOPIC.replaceAll('.', '\\.')}/` } })
        .limit(LETTERS_AT_ONCE)
        .toArray();
      if (found.length === 0) return renamed;
      const copies = found.map((letter) => ({
        replaceOne: {
          filter: { _id: `lost-${lostAt}-${letter._id}` },
          replacement: withoutRedrive(letter, this.now()),
          upsert: true,
        },
      }));
      await letters.bulkWrite(copies, { ordered: false });
      await letters.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } });
      renamed += found.length;
    }
  }

  /** Ends redrives: the records that they would send are lost. */
  async failRedrives(): Promise<number> {
    const error = {
      code: 'log-lost',
      message: "Kafka's data were lost, and with them the records of the dead letters",
    };
    const { modifiedCount } = await operationsCollection(this.db).updateMany(
      { kind: 'redrive', status: { $in: ['running', 'paused'] } },
      {
        $set: {
          status: 'failed',
          error,
          finishedAt: this.now(),
          interruption: null,
          waitingFor: null,
          redriving: null,
        },
      },
    );
    return modifiedCount;
  }

  /** Forgets the positions in the lost log by which records of archived orders are taken for replays. Each later record is a new one. */
  async forgetReplays(): Promise<void> {
    await archivedRangesCollection(this.db).updateMany({}, { $set: { positions: [], changedAt: this.now() } });
  }

  /** Forgets earlier partition counts, whose end offsets are those of the lost log. */
  async forgetPartitions(): Promise<void> {
    await topicPartitionsCollection(this.db).updateOne(
      { _id: ORDERS_TOPIC },
      { $set: { producers: [], expansion: null, earlier: [] } },
    );
  }
}

function withoutRedrive(
  { _id, state, tries = [], ...letter }: DeadLetterDocument,
  at: Date,
): Omit<DeadLetterDocument, '_id'> {
  const ended = tries.map((each) =>
    each.outcome === null ? { ...each, outcome: 'unmovable' as const, endedAt: at } : each,
  );
  return {
    ...letter,
    state: state === 'redriving' ? 'pending' : state,
    ...(ended.length > 0 && { tries: ended }),
  };
}

/** Splits a batch into parts whose orders are all lost, which are abandoned, and others. */
export function splitBatch(batch: IntakeBatch, lost: ReadonlySet<number>): IntakeBatch[] {
  const orders = unpackOrders(batch);
  const parts: IntakeBatch[] = [];
  for (let start = 0; start < batch.count;) {
    const isLost = lost.has(batch._id + start);
    let end = start + 1;
    while (end < batch.count && lost.has(batch._id + end) === isLost) end += 1;
    const { operationId, at, requests, keysUntil } = batch;
    parts.push({
      _id: batch._id + start,
      operationId,
      from: batch.from + start,
      count: end - start,
      at,
      ...(isLost
        ? { state: 'abandoned' as const }
        : { state: batch.state, orders: packOrders(orders.slice(start, end)), parts: [] }),
      // A key whose orders are lost must not count as used.
      ...(!isLost && requests !== undefined && keysUntil !== undefined && ownRequests(requests, start, end, keysUntil)),
    });
    start = end;
  }
  return parts;
}

function ownRequests(
  requests: NonNullable<IntakeBatch['requests']>,
  start: number,
  end: number,
  keysUntil: Date,
): Pick<IntakeBatch, 'requests' | 'keysUntil'> {
  const own = requests
    .filter(({ at, count }) => at >= start && at + count <= end)
    .map(({ key, request, at, count }) => ({ key, request, at: at - start, count }));
  return own.length === 0 ? {} : { requests: own, keysUntil };
}
