import { setTimeout as delay } from 'node:timers/promises';
import { operationsCollection, type OperationDocument } from '#orders/operation/operation.js';
import { recordsBetween } from '#orders/topics/positions.js';
import { KafkaPositions } from '#service/kafka/kafka-positions.js';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_TOPIC, ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';
import { reconcile } from '#reconcile/reconcile.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import type { Cluster } from '../cluster/cluster.js';
import { reasonOf } from '../load/api-response.js';

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
