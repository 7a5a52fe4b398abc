import type { Db, MongoClient } from 'mongodb';
import { isEmitted, operationsCollection, type EmittedDocument } from '#orders/operation/operation.js';
import { createFaultSelector, orderSource } from '#orders/operation/order-source.js';
import type { Order } from '#orders/order/order.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { javaCompatiblePartitioner } from '#orders/topics/partitioner.js';
import { ackedOrders, ackedRanges, type IndexRange } from '#orders/operation/segments.js';
import type { TopicPositions } from '#orders/topics/positions.js';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_TOPIC, ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';
import type { GroupPositions } from './missing-reason.js';
import { checkBlock, type Block } from './check-block.js';
import { compareBlock } from './compare-block.js';
import { Findings } from './findings.js';
import { MissingRecords } from './missing-records.js';
import type { ReconcileReport } from './report.js';
import { withEvidence } from './saved-once.js';
import { readStored } from './stored-content.js';
import { StoredOrders } from './stored-orders.js';

/** Orders that are read and compared together. The next block is read in the meantime. */
const BLOCK_ORDERS = 2_000;

/** Thrown when the operation does not exist. */
export class UnknownOperationError extends Error {
  override readonly name = 'UnknownOperationError';
  readonly code = 'unknown-operation';
}

/** Thrown for a redrive, which has no orders of its own. */
export class NothingToReconcileError extends Error {
  override readonly name = 'NothingToReconcileError';
  readonly code = 'nothing-to-reconcile';
}

export interface ReconcileOptions {
  readonly client: MongoClient;
  readonly db: Db;
  readonly positions: TopicPositions;
  readonly operationId: string;
  /** Aborts the run; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each block with the number of checked orders. */
  readonly onProgress?: (done: number, acked: number) => void;
}

/**
 * Compares the acknowledged orders of an operation with MongoDB, order by order and byte for byte. It checks the no-loss
 * equation `acknowledged = saved ∪ pending dead letters`, and that no order is duplicated, altered or invented.
 *
 * It reads the committed offsets first, then the operation, then dead letters and orders by majority reads. Records below a
 * committed offset were therefore finished before the check searches for them. Concurrent work can only give `pending`, never
 * a false alarm. Memory use is a few blocks, independent of the operation's size.
 * @throws UnknownOperationError, NothingToReconcileError, ImportRowsMissingError, or the error of MongoDB's driver or kafkajs when
 *   their servers are unavailable
 */
export async function reconcile(options: ReconcileOptions): Promise<ReconcileReport> {
  const { client, db, operationId } = options;
  const startedAt = Date.now();
  const positions = await groupPositions(options.positions);
  const operation = await operationsCollection(db).findOne(
    { _id: operationId },
    { readConcern: { level: 'majority' } },
  );
  if (operation === null) throw new UnknownOperationError(`There is no operation ${operationId}.`);
  if (!isEmitted(operation))
    throw new NothingToReconcileError(
      'A redrive has no orders of its own: reconcile the operations whose dead letters it redrove.',
    );
  const findings = new Findings();
  const { lost } = await checkAcknowledged(options, operation, positions, findings);
  const stored = new StoredOrders(db, operation);
  await checkUnacknowledged(options, stored, operation, findings);
  const namespace = `${db.databaseName}.${ordersCollection(db).collectionName}`;
  for (const record of await withEvidence(client, namespace, operation, lost)) findings.addMissing(record);
  for (const stray of await stored.strays(findings.others, options.signal)) findings.addStray(stray);
  return reportOf(operation, findings, startedAt);
}

async function groupPositions(positions: TopicPositions): Promise<GroupPositions> {
  const committed = await positions.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC);
  const ends = await positions.ends(ORDERS_TOPIC);
  const letters = await positions.ends(DEAD_LETTER_TOPIC);
  const projected = await positions.committed(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC);
  const lettersAreProjected = [...letters].every(([partition, end]) => (projected.get(partition) ?? 0) >= end);
  return { committed, ends, lettersAreProjected };
}

async function checkAcknowledged(
  { db, signal, onProgress }: ReconcileOptions,
  operation: EmittedDocument,
  positions: GroupPositions,
  findings: Findings,
): Promise<MissingRecords> {
  const source = orderSource(operation, db);
  const faultsAt = createFaultSelector(operation);
  const partitionOf = javaCompatiblePartitioner(positions.ends.size);
  const missing = new MissingRecords({ db, operation, source, faultsAt, partitionOf, positions, findings });
  const stored = new StoredOrders(db, operation);
  const hasLetters = await stored.hasLetters();
  const load = async (range: IndexRange): Promise<Block> => {
    // Read letters before documents: a redriven letter gets the state `saved` only after its order is saved.
    const letters = hasLetters ? await stored.letters(range) : [];
    const [documents, orders] = await Promise.all([stored.documents(range), source(range)]);
    return { range, orders, faultsAt, documents, letters };
  };
  let done = 0;
  for await (const block of ahead(blocksOf(ackedRanges(operation.segments)), load)) {
    signal?.throwIfAborted();
    const unaccounted = checkBlock(block, findings);
    if (unaccounted.length > 0) await missing.explain(unaccounted, block.range);
    done += block.orders.length;
    onProgress?.(done, ackedOrders(operation.segments));
  }
  return missing;
}

/** Checks the unacknowledged range: orders that were sent without an acknowledgement may be saved; others are phantoms. */
async function checkUnacknowledged(
  { db, signal }: ReconcileOptions,
  stored: StoredOrders,
  operation: EmittedDocument,
  findings: Findings,
): Promise<void> {
  const source = orderSource(operation, db);
  const rest = operation.segments.map(({ ackedTo, to }) => ({ from: ackedTo, to })).filter(({ from, to }) => from < to);
  for (const open of rest) {
    if ((await stored.count(open)) === 0) continue;
    for (const range of blocksOf([open])) {
      signal?.throwIfAborted();
      const documents = await stored.documents(range);
      if (operation.kind === 'import') checkOrigins(documents, operation, findings);
      else checkUnsent(range, await source(range), documents, findings);
    }
  }
}

function checkUnsent(
  range: IndexRange,
  orders: readonly Order[],
  documents: readonly Buffer[],
  findings: Findings,
): void {
  const expected = orders.map((order, at) => ({ index: range.from + at, order, isFaulty: false }));
  const { saved, altered, phantoms, doubled } = compareBlock(expected, documents);
  findings.counts.savedUnacknowledged += saved.length;
  for (const each of altered) findings.addAltered(each, false);
  for (const each of [...phantoms, ...doubled]) findings.addPhantom(each);
}

/** Checks documents by `ingest` alone: a later import may have taken over the rows of a cancelled one. */
function checkOrigins(documents: readonly Buffer[], { _id }: EmittedDocument, findings: Findings): void {
  for (const document of documents) {
    const { _id: id, number, ingest } = readStored(document);
    if (String(ingest?.operationId) === _id) findings.counts.savedUnacknowledged += 1;
    else findings.addPhantom({ id: String(id), number: Number(number), reason: 'it belongs to no import' });
  }
}

/** Loads the next item while the caller processes the current one. */
async function* ahead<T, R>(items: Iterable<T>, load: (item: T) => Promise<R>): AsyncGenerator<R> {
  let loading: Promise<R> | undefined;
  for (const item of items) {
    const next = load(item);
    // A failure is thrown when the item is awaited.
    next.catch(() => undefined);
    if (loading !== undefined) yield await loading;
    loading = next;
  }
  if (loading !== undefined) yield await loading;
}

function* blocksOf(ranges: readonly IndexRange[]): Generator<IndexRange> {
  for (const { from, to } of ranges)
    for (let start = from; start < to; start += BLOCK_ORDERS)
      yield { from: start, to: Math.min(start + BLOCK_ORDERS, to) };
}

function reportOf(operation: EmittedDocument, findings: Findings, startedAt: number): ReconcileReport {
  const { _id, kind, status, count, segments } = operation;
  const acked = ackedOrders(segments);
  const seconds = Math.max(0.001, (Date.now() - startedAt) / 1_000);
  const isRunning = status === 'running' || status === 'paused';
  const hasFaults = kind === 'populate' && Boolean(operation.faults);
  return {
    operation: _id,
    kind,
    status,
    verdict: findings.verdict(isRunning, acked),
    count,
    acked,
    ...findings.figures(hasFaults),
    neverAcknowledged: count - acked,
    readAt: new Date(startedAt).toISOString(),
    seconds: Math.round(seconds * 10) / 10,
    ordersPerSecond: Math.round(acked / seconds),
  };
}
