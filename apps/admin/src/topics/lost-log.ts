import type { Command } from 'commander';
import type { Admin } from 'kafkajs';
import { UUID, type Db, type MongoClient } from 'mongodb';
import { archivedRangesCollection } from '#orders/archive/archived-ranges.js';
import { deadLettersCollection, type DeadLetterDocument } from '#orders/dead-letter/dead-letters.js';
import { chunksCollection } from '#orders/operation/acknowledged-chunks.js';
import {
  intakeBatchesCollection,
  packOrders,
  unpackOrders,
  type IntakeBatch,
} from '#orders/numbering/intake-batches.js';
import {
  FULL_BLOCK_ORDERS,
  isSegmented,
  operationsCollection,
  type SegmentedDocument,
} from '#orders/operation/operation.js';
import { countSaved, numbersOf } from '#orders/operation/saved-count.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { settledTotals } from '#orders/settled/settled-blocks.js';
import { topicPartitionsCollection } from '#orders/topics/topic-partitions.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { commitOffsets, GROUPS, partitionsOf, readKafkaState, requireNoMembers } from '../backup/kafka-state.js';
import type { KafkaState } from '../backup/manifest.js';
import { withServers } from '../connections.js';
import { AdminError, EXIT_CODE, figure, type AdminEnvironment, type ExitCode, type Run } from '../environment.js';
import { readSettings } from '../settings.js';

const LETTERS_AT_ONCE = 1_000;
const NO_FAULTS = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };

/** Adds `lost` to the commands of the topics. */
export function addLostCommand(topics: Command, run: Run): void {
  topics
    .command('lost')
    .description(
      "after the loss of Kafka's data, with new and empty topics: list acknowledged orders that are not saved",
    )
    .option(
      '--apply',
      'also send again what can be made again, and forget the lost log; only with all services stopped',
    )
    .action(run(recover));
}

async function recover(
  { env, print }: AdminEnvironment,
  { apply = false }: { readonly apply?: boolean },
): Promise<ExitCode> {
  return withServers(readSettings(env), async ({ mongo: { client, db, time }, admin, reader }) => {
    const state = await readKafkaState(admin, reader);
    requireEmptyTopics(state);
    if (apply) await requireNoMembers(admin);
    const log = new ForgetLog(client, db, () => time.now());
    const operations = await unsavedOperations(db);
    for (const operation of operations) {
      print(describeUnsaved(operation));
      if (apply && canPublish(operation)) await log.publishAgain(operation);
    }
    let received = 0;
    for await (const found of unsavedBatches(db)) {
      for (const order of found.orders) print(describeOrder(order));
      received += found.orders.length;
      if (apply) await log.abandon(found);
    }
    if (apply) await forget(log, admin, state, print);
    const isWhole = operations.length + received === 0;
    if (isWhole) print('Every acknowledged order is saved or a dead letter.');
    return isWhole ? EXIT_CODE.ok : EXIT_CODE.differs;
  });
}

function requireEmptyTopics({ topics }: KafkaState): void {
  const used = topics
    .flatMap(({ name, partitions }) => partitions.map((each) => ({ name, ...each })))
    .find(({ end }) => end > 0);
  if (used === undefined) return;
  throw new AdminError(
    'topics-not-empty',
    `Topic ${used.name} has records (partition ${used.partition} ends at ${used.end}): this command is for topics that were created after the loss.`,
  );
}

async function forget(log: ForgetLog, admin: Admin, state: KafkaState, print: (line: string) => void): Promise<void> {
  const letters = await log.renameLetters();
  if (letters > 0) print(`${figure(letters)} dead letters have lost their records: they can only be discarded.`);
  const redrives = await log.failRedrives();
  if (redrives > 0) print(`${redrives} redrives have failed: the records that they would send are lost.`);
  await log.forgetReplays();
  await log.forgetPartitions();
  const starts = GROUPS.flatMap(({ id: groupId, topic }) =>
    partitionsOf(state, topic).map(({ partition }) => ({ groupId, topic, partition, offset: 0 })),
  );
  await commitOffsets(admin, starts);
  print('The log that was lost is forgotten. Start the services.');
}

/** A cancelled or failed operation would go on behind its last acknowledged order. */
function canPublish({ status }: UnsavedOperation): boolean {
  return status !== 'cancelled' && status !== 'failed';
}

function describeUnsaved(operation: UnsavedOperation): string {
  const { id, kind, status, segments } = operation;
  const unsaved = figure(segments.reduce((sum, each) => sum + each.unsaved, 0));
  const what = canPublish(operation)
    ? 'are sent again, with those of the same segments'
    : `are lost: it is ${status}, and is not continued`;
  return `${kind} ${id}: ${unsaved} acknowledged orders are not saved, or dead letters, and ${what}`;
}

function describeOrder({ operationId, number, id }: UnsavedOrder): string {
  return `received order ${id} (number ${number}, intake ${operationId}) is lost: its client must send it again, under the same id`;
}

/** A segment of which Kafka had acknowledged orders that are not saved. */
interface UnsavedSegment {
  readonly from: number;
  /** One past the last acknowledged index. */
  readonly to: number;
  readonly unsaved: number;
}

/** An operation whose orders can be made again. */
interface UnsavedOperation {
  readonly id: string;
  readonly kind: SegmentedDocument['kind'];
  readonly status: SegmentedDocument['status'];
  readonly segments: readonly UnsavedSegment[];
}

/** A received order that is neither saved nor a dead letter: only its client has it. */
interface UnsavedOrder {
  readonly operationId: string;
  readonly number: number;
  readonly id: string;
}

/** A batch with received orders that only their clients have. */
interface UnsavedBatch {
  readonly batch: IntakeBatch;
  readonly orders: readonly UnsavedOrder[];
}

/**
 * Finds operations with segments of which Kafka had acknowledged orders that are not saved; dead letters count as not saved. The
 * orders of verified blocks are final: each is saved, archived, or was discarded.
 */
async function unsavedOperations(db: Db): Promise<UnsavedOperation[]> {
  const found: UnsavedOperation[] = [];
  for await (const operation of operationsCollection(db).find({ kind: { $in: ['populate', 'import'] } })) {
    if (!isSegmented(operation)) continue;
    const segments: UnsavedSegment[] = [];
    const { ranges } = await settledTotals(db, operation._id);
    for (const { from, ackedTo: to } of operation.segments) {
      // A segment lies in one block.
      const block = from - (from % FULL_BLOCK_ORDERS);
      if (ranges.some((settled) => settled.from <= block && block < settled.to)) continue;
      const unsaved = to === from ? 0 : to - from - (await countSaved(db, operation, { from, to }));
      if (unsaved > 0) segments.push({ from, to, unsaved });
    }
    const { _id: id, kind, status } = operation;
    if (segments.length > 0) found.push({ id, kind, status, segments });
  }
  return found;
}

/** Yields the acknowledged batches of received orders of which some are neither saved nor dead letters. */
async function* unsavedBatches(db: Db): AsyncGenerator<UnsavedBatch> {
  for await (const batch of intakeBatchesCollection(db).find({ state: 'acknowledged' }).sort({ _id: 1 })) {
    const saved = await countSaved(db, { firstNumber: batch._id }, { from: 0, to: batch.count });
    if (saved === batch.count) continue;
    const orders = await unsavedOf(db, batch);
    if (orders.length > 0) yield { batch, orders };
  }
}

async function unsavedOf(db: Db, batch: IntakeBatch): Promise<UnsavedOrder[]> {
  const { _id: first, operationId, from, count } = batch;
  const sent = unpackOrders(batch);
  const [numbers, ids, letters] = await Promise.all([
    ordersCollection(db).distinct('number', { number: numbersOf({ firstNumber: first }, { from: 0, to: count }) }),
    // A repeated order keeps the number that was saved first.
    ordersCollection(db).distinct('_id', { _id: { $in: sent.map(({ id }) => new UUID(id)) } }),
    deadLettersCollection(db).distinct('index', { operationId, index: { $gte: from, $lt: from + count } }),
  ]);
  const [savedNumbers, savedIds] = [new Set(numbers.map(Number)), new Set(ids.map((id) => id.toHexString()))];
  const dead = new Set(letters);
  return sent.flatMap(({ id }, position) => {
    const number = first + position;
    const isAccounted = savedNumbers.has(number) || savedIds.has(id) || dead.has(from + position);
    return isAccounted ? [] : [{ operationId, number, id }];
  });
}

/** Makes MongoDB forget a log that is lost: positions in it must not be taken for positions in the new one. Each call can be repeated. */
class ForgetLog {
  /** @param now MongoDB's time */
  constructor(
    private readonly client: MongoClient,
    private readonly db: Db,
    private readonly now: () => Date,
  ) {}

  /** Lets producers publish segments again from their first order. What is saved already is recognised. */
  async publishAgain({ id, status, segments }: UnsavedOperation): Promise<void> {
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
