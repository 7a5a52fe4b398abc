import type { Db, MongoClient } from 'mongodb';
import type { ArchiveFolder } from '#orders/archive/archive-folder.js';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { ArchivedList } from '#orders/archive/archived-list.js';
import { ackedCount, hasOrders, operationsCollection, type OrdersDocument } from '#orders/operation/operation.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import type { TopicPositions } from '#orders/topics/positions.js';
import { ArchivedOrders } from './archived-orders.js';
import type { ReconcileContext } from './check-context.js';
import { checkEmitted } from './check-emitted.js';
import { checkReceived } from './check-received.js';
import { Findings } from './findings.js';
import { groupPositions } from './group-positions.js';
import { MissingRecords } from './missing-records.js';
import type { ReconcileReport } from './report.js';
import { withEvidence } from './saved-once.js';
import { StoredOrders } from './stored-orders.js';

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

export interface ReconcileOptions {
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
  const findings = new Findings();
  const { signal, archives } = options;
  const archived = await ArchivedOrders.of(db, operationId);
  const archivedIds = ArchivedIds.of(db, ArchivedList.of(db));
  const missing = new MissingRecords({ db, operation, positions, findings, archivedIds });
  const onChecked = progressOf(operation, options.onProgress);
  const sources = { db, positions, archivedIds, archived, archives, signal, onChecked };
  const counts = await check(operation, { ...sources, findings, missing });
  if (await archived.haveChanged(db, operationId)) return undefined;
  const namespace = `${db.databaseName}.${ordersCollection(db).collectionName}`;
  for (const record of await withEvidence(client, namespace, operation, missing.lost)) findings.addMissing(record);
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
  const acked = await checkEmitted(operation, context);
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
