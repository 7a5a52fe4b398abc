import { setTimeout as delay } from 'node:timers/promises';
import { operationsCollection, type OperationDocument } from '#orders/operation/operation.js';
import { recordsBetween } from '#orders/topics/positions.js';
import { KafkaPositions } from '#service/kafka/kafka-positions.js';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_TOPIC, ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';
import { reconcile } from '#reconcile/reconcile.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { reasonOf } from '../../../dev/migration-journey/facade-requests.js';
import { isReady } from '../../../dev/migration-journey/recovery.js';
import type { Cluster } from '../cluster/cluster.js';
import type { SavedNumbers } from './read-judge.js';

const RECOVERY_POLL_MS = 200;
/** Longer than the limit: the next fault should begin on a healthy cluster, whatever went wrong. */
const RECOVERY_TIMEOUT_MS = 180_000;

/** Time from the end of a fault until the cluster works as before, in milliseconds; or what was still missing at the timeout. */
export type Recovery =
  | { readonly afterMs: number }
  | { readonly missing: readonly string[]; readonly withinMs: number };

export interface Progress {
  /** Acknowledged orders as of the last successful poll, and when that poll began, by `performance.now()`. */
  readonly lastAcked: { readonly orders: number; readonly polledAt: number } | undefined;
  readonly saved: SavedNumbers;
  /** Whether the load has ended; then no progress is required. */
  isComplete(): boolean;
}

/**
 * Waits until the cluster does all its work again: every app is ready, Kafka acknowledges new orders, and on every partition more orders
 * are saved than at the end of the fault.
 * @param enough ends the wait
 */
export async function waitForRecovery(
  cluster: Cluster,
  progress: Progress,
  enough: AbortSignal,
  timeoutMs = RECOVERY_TIMEOUT_MS,
): Promise<Recovery> {
  const endedAt = performance.now();
  const since = (): number => Math.round(performance.now() - endedAt);
  let ackedBefore: number | undefined;
  const savedBefore = [...progress.saved.byPartition];
  for (;;) {
    const { lastAcked } = progress;
    // A poll that began before the end of the fault may return an older count.
    if (lastAcked !== undefined && lastAcked.polledAt > endedAt) ackedBefore ??= lastAcked.orders;
    const missing = [...(await listUnready(cluster)), ...listStalled(progress, ackedBefore, savedBefore)];
    if (missing.length === 0 || enough.aborted) return { afterMs: since() };
    if (since() > timeoutMs) return { missing, withinMs: since() };
    await delay(RECOVERY_POLL_MS);
  }
}

/** Lists the apps that are missing or not ready. */
async function listUnready({ apps }: Cluster): Promise<string[]> {
  const ready = await Promise.all(
    apps.all.map(async ({ name, url }) => ({ name, isReady: url !== undefined && (await isReady(url)) })),
  );
  const consumers = apps.all.filter(({ job }) => job === 'consumer').length;
  return [
    ...(consumers === apps.wantedConsumers ? [] : [`${consumers} consumers run`]),
    ...ready.filter((app) => !app.isReady).map(({ name }) => `${name} is not ready`),
  ];
}

function listStalled(progress: Progress, ackedBefore: number | undefined, savedBefore: readonly number[]): string[] {
  if (progress.isComplete()) return [];
  const acked = progress.lastAcked?.orders ?? 0;
  const stalled = progress.saved.byPartition.flatMap((saved, partition) =>
    saved > (savedBefore[partition] ?? 0) ? [] : [`no new orders of partition ${partition} are saved`],
  );
  return [...(acked > (ackedBefore ?? Infinity) ? [] : ['no new orders are acknowledged']), ...stalled];
}

const POLL_INTERVAL_MS = 1_000;

export interface Settled {
  readonly reports: readonly ReconcileReport[];
  /** Operations that could not be reconciled, with the reason. */
  readonly unreconciled: readonly string[];
}

/**
 * Reconciles every operation once both topics are fully consumed, repeatedly until none is pending or the time is over. It waits for the
 * consumers, since a second copy of an order may do harm after the first copy is saved.
 * @param enough ends the wait
 */
export async function waitUntilSettled(
  { mongo, kafka }: Cluster,
  withinMs: number,
  enough: AbortSignal,
): Promise<Settled> {
  const positions = new KafkaPositions(kafka);
  const deadline = performance.now() + withinMs;
  try {
    for (;;) {
      const operations = await operationsOf(mongo);
      const isLate = enough.aborted || performance.now() > deadline;
      if (isLate || (operations.every(({ status }) => status !== 'running') && (await isConsumed(positions)))) {
        const found = await reconcileAll(mongo, positions, operations);
        const isSettled =
          found.unreconciled.length === 0 && found.reports.every(({ verdict }) => verdict !== 'pending');
        if (isLate || isSettled) return found;
      }
      await delay(POLL_INTERVAL_MS);
    }
  } finally {
    await positions.close();
  }
}

/** Returns the ids and states of all operations. */
export async function operationsOf({ db }: Mongo): Promise<Pick<OperationDocument, '_id' | 'status'>[]> {
  return operationsCollection(db)
    .find({}, { projection: { _id: 1, status: 1 } })
    .toArray();
}

/** Reconciles the operations as they are now. */
export async function reconcileAll(
  { client, db }: Mongo,
  positions: KafkaPositions,
  operations: readonly { readonly _id: string }[],
): Promise<Settled> {
  const reports: ReconcileReport[] = [];
  const unreconciled: string[] = [];
  for (const { _id: operationId } of operations)
    try {
      reports.push(await reconcile({ client, db, positions, operationId }));
    } catch (error) {
      unreconciled.push(`${operationId} (${reasonOf(error)})`);
    }
  return { reports, unreconciled };
}

/** Whether the consumer groups have committed the ends of both topics. */
async function isConsumed(positions: KafkaPositions): Promise<boolean> {
  const groups = [
    [ORDERS_CONSUMER_GROUP, ORDERS_TOPIC],
    [DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC],
  ] as const;
  try {
    for (const [group, topic] of groups) {
      const [committed, ends] = [await positions.committed(group, topic), await positions.ends(topic)];
      if (recordsBetween(committed, ends) > 0) return false;
    }
    return true;
  } catch {
    // Kafka does not answer yet: retry.
    return false;
  }
}
