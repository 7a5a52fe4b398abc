import type { Db, MongoClient } from 'mongodb';
import type { ArchiveFolder } from '#orders/archive/archive-folder.js';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import {
  ackedCount,
  hasOrders,
  operationsCollection,
  type OrdersDocument,
  type SegmentedDocument,
  ackedOrders,
  type IntakeDocument,
} from '#orders/operation/operation.js';
import { ordersCollection } from '#orders/order/order-document.js';
import type { TopicPositions } from '#orders/topics/topics.js';
import { ImportRowsMissingError } from '#orders/imports/import-rows.js';
import { orderSource } from '#orders/operation/order-source.js';
import {
  ackedBlocks,
  type AckedBlock,
  findSettledBlock,
  besideSettled,
  blocksOf,
  settledBlocksCollection,
  type SettledTotals,
} from '#orders/settled/settled-blocks.js';
import { ArchivedOrders, StoredOrders, documentsOfRuns } from './stored-orders.js';
import type { Block, CheckContext, ReconcileContext } from './check-block.js';
import { Findings, type ReconcileReport } from './report.js';
import { groupPositions } from './record-positions.js';
import { withEvidence } from './missing-records.js';
import { checkSettled } from './check-settled.js';
import { compareBlock } from './compare-block.js';
import {
  compareSegmented,
  partsOf,
  sentOrders,
  compareReceived,
  batchGroups,
  expectedOf,
  runsOf,
} from './compare-operation.js';
import { readStored } from './stored-content.js';

/** Thrown when the operation does not exist. */
export class UnknownOperationError extends Error {
  override readonly name = 'UnknownOperationError';
  readonly code = 'unknown-operation';
}

/** Thrown when orders of the operation were archived or brought back during each of several checks. */
export class ArchivedMeanwhileError extends Error {
  override readonly name = 'ArchivedMeanwhileError';
  readonly code = 'archived-meanwhile';
}

/** Thrown for a redrive, which has no orders of its own. */
export class NothingToReconcileError extends Error {
  override readonly name = 'NothingToReconcileError';
  readonly code = 'nothing-to-reconcile';
}

interface ReconcileOptions {
  readonly client: MongoClient;
  readonly db: Db;
  readonly positions: TopicPositions;
  readonly operationId: string;
  /** The archives of the operation, to verify them. Without it, archived orders are counted only. */
  readonly archives?: ArchiveFolder | undefined;
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
 * @throws UnknownOperationError, NothingToReconcileError, ImportRowsMissingError, ArchivedMeanwhileError, or the error of MongoDB's
 *   driver or kafkajs when their servers are unavailable
 */
export async function reconcile(options: ReconcileOptions): Promise<ReconcileReport> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const report = await reconcileOnce(options);
    if (report !== undefined) return report;
  }
  throw new ArchivedMeanwhileError(
    'Orders of the operation are being archived or brought back: reconcile it when the command has ended.',
  );
}

/** @returns `undefined` if orders were archived or brought back meanwhile, so that they may seem to be missing */
async function reconcileOnce(options: ReconcileOptions): Promise<ReconcileReport | undefined> {
  const { client, db, operationId } = options;
  const startedAt = Date.now();
  const positions = await groupPositions(options.positions);
  const operation = await operationsCollection(db).findOne(
    { _id: operationId },
    { readConcern: { level: 'majority' } },
  );
  if (operation === null) throw new UnknownOperationError(`There is no operation ${operationId}.`);
  if (!hasOrders(operation))
    throw new NothingToReconcileError(
      'A redrive has no orders of its own: reconcile the operations whose dead letters it redrove.',
    );
  const findings = new Findings(operation);
  const { signal, archives } = options;
  const archived = await ArchivedOrders.of(db, operationId);
  const archivedIds = ArchivedIds.of(db, ArchivedList.of(db));
  const onChecked = progressOf(operation, options.onProgress);
  const sources = { db, positions, archivedIds, archived, archives, signal, onChecked };
  const counts = await check(operation, { ...sources, findings });
  if (await archived.haveChanged(db, operationId)) return undefined;
  const namespace = `${db.databaseName}.${ordersCollection(db).collectionName}`;
  for (const record of await withEvidence(client, namespace, operation, findings.lost)) findings.addMissing(record);
  for (const stray of await new StoredOrders(db, operation).strays(findings.others, signal)) findings.addStray(stray);
  return reportOf(operation, findings, counts, startedAt);
}

/** How often a check is repeated because orders were archived meanwhile. */
const MAX_ATTEMPTS = 3;

/** What was checked, and whether more may come. */
interface Checked {
  readonly count: number;
  readonly acked: number;
  readonly isRunning: boolean;
}

async function check(operation: OrdersDocument, context: ReconcileContext): Promise<Checked> {
  if (operation.kind === 'intake') {
    const { acked, reserved } = await checkReceived(operation, context);
    // An intake runs all day. It is complete whenever no batch is on its way.
    return { count: acked + reserved, acked, isRunning: reserved > 0 };
  }
  const acked = await checkSegmented(operation, context);
  const isRunning = operation.status === 'running' || operation.status === 'paused';
  return { count: operation.count, acked, isRunning };
}

/** Sums up the orders of all parts. An intake grows while it is checked. */
function progressOf(operation: OrdersDocument, report: ReconcileOptions['onProgress']): (orders: number) => void {
  let done = 0;
  return (orders) => {
    done += orders;
    report?.(done, Math.max(done, ackedCount(operation)));
  };
}

function reportOf(
  operation: OrdersDocument,
  findings: Findings,
  { count, acked, isRunning }: Checked,
  startedAt: number,
): ReconcileReport {
  const { _id, kind, status } = operation;
  const seconds = Math.max(0.001, (Date.now() - startedAt) / 1_000);
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

/** Checks the orders of an operation with segments. @returns the number of acknowledged ones */
async function checkSegmented(operation: SegmentedDocument, context: ReconcileContext): Promise<number> {
  for (const block of ackedBlocks(operation.segments)) await checkAcknowledged(operation, block, context);
  await checkUnacknowledged(operation, context);
  return ackedOrders(operation.segments);
}

/** Checks a block by its digest if it is verified already, and otherwise order by order. */
async function checkAcknowledged(
  operation: SegmentedDocument,
  { from, ranges }: AckedBlock,
  context: ReconcileContext,
): Promise<void> {
  const settled = await findSettledBlock(context.db, operation._id, from);
  if (settled !== null) return checkSettled(settled, operation, context);
  const own = { ...context, findings: new Findings(operation) };
  const failure = await compareSegmented(operation, ranges, own).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure !== undefined && !(failure instanceof ImportRowsMissingError)) throw failure;
  if (failure !== undefined || !own.findings.isClean) {
    // The block may have been verified meanwhile: then its chunks and rows are removed.
    const now = await findSettledBlock(context.db, operation._id, from);
    if (now !== null) return checkSettled(now, operation, context);
  }
  if (failure !== undefined) throw failure;
  context.findings.add(own.findings);
}

/** Checks the unacknowledged range: orders that were sent without an acknowledgement may be saved; others are phantoms. */
async function checkUnacknowledged(
  operation: SegmentedDocument,
  { db, findings, signal }: CheckContext,
): Promise<void> {
  const stored = new StoredOrders(db, operation);
  const source = orderSource(operation, db);
  const rest = operation.segments.map(({ ackedTo, to }) => ({ from: ackedTo, to })).filter(({ from, to }) => from < to);
  for (const open of rest) {
    if ((await stored.count(open)) === 0) continue;
    for (const range of partsOf([open])) {
      signal?.throwIfAborted();
      const documents = await stored.documents(range);
      if (operation.kind === 'import') checkOrigins(documents, operation, findings);
      else checkUnsent(await sentOrders(operation, source, range), documents, findings);
    }
  }
}

/** Checks documents of orders that were not acknowledged: they may be on the topic. */
function checkUnsent(orders: Block['orders'], documents: readonly Buffer[], findings: Findings): void {
  const expected = orders.map((each) => ({ ...each, isFaulty: false }));
  const { saved, altered, phantoms, doubled } = compareBlock(expected, documents);
  findings.counts.savedUnacknowledged += saved.length;
  for (const each of altered) findings.addAltered(each, false);
  for (const each of [...phantoms, ...doubled]) findings.addPhantom(each);
}

/** Checks documents by `ingest` alone: a later import may have taken over the rows of a cancelled one. */
function checkOrigins(documents: readonly Buffer[], { _id }: SegmentedDocument, findings: Findings): void {
  for (const document of documents) {
    const { _id: id, number, ingest } = readStored(document);
    if (String(ingest?.operationId) === _id) findings.counts.savedUnacknowledged += 1;
    else findings.addPhantom({ id: String(id), number: Number(number), reason: 'it belongs to no import' });
  }
}

const MAJORITY = { readConcern: { level: 'majority' } } as const;

/** The numbers of orders that were compared. */
interface ReceivedCounts {
  readonly acked: number;
  /** Orders of batches that are not acknowledged yet. */
  readonly reserved: number;
}

/** Checks the orders that an intake has received: verified blocks by their digests, other batches order by order. */
async function checkReceived(operation: IntakeDocument, context: ReconcileContext): Promise<ReceivedCounts> {
  const [own, counts] = await besideSettled(context.db, operation._id, async (settled) => {
    const attempt = { ...context, findings: new Findings(operation) };
    return [attempt, await checkBeside(operation, settled, attempt)] as const;
  });
  context.findings.add(own.findings);
  return counts;
}

async function checkBeside(
  operation: IntakeDocument,
  settled: SettledTotals,
  context: ReconcileContext,
): Promise<ReceivedCounts> {
  const { db } = context;
  const { _id: id } = operation;
  if (settled.blocks > 0)
    for await (const block of settledBlocksCollection(db).find(blocksOf(id), MAJORITY).sort({ _id: 1 }))
      await checkSettled(block, operation, context);
  const acknowledged = batchGroups(db, id, 'acknowledged', settled);
  const acked = settled.count + (await compareReceived(operation, acknowledged, context));
  const reserved = await checkReserved(operation, settled, context);
  await checkAbandoned(operation, context);
  return { acked, reserved };
}

/** Checks batches that are not acknowledged: their orders may be on the topic. */
async function checkReserved(
  { _id }: IntakeDocument,
  settled: SettledTotals,
  { db, findings, signal }: CheckContext,
): Promise<number> {
  let reserved = 0;
  for await (const batches of batchGroups(db, _id, 'reserved', settled)) {
    signal?.throwIfAborted();
    const orders = expectedOf(batches);
    checkUnsent(orders, await documentsOfRuns(db, runsOf(batches)), findings);
    reserved += orders.length;
  }
  return reserved;
}

/** No order has the number of an abandoned batch. These batches are never removed, also between verified blocks. */
async function checkAbandoned({ _id }: IntakeDocument, { db, findings, signal }: CheckContext): Promise<void> {
  for await (const batches of batchGroups(db, _id, 'abandoned', { ranges: [] })) {
    signal?.throwIfAborted();
    checkUnsent([], await documentsOfRuns(db, runsOf(batches)), findings);
  }
}
