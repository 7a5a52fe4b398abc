import { setTimeout as delay } from 'node:timers/promises';
import { operationsCollection } from '#orders/operation.js';
import { TopicPositions } from '#orders/topic-positions.js';
import { reconcile } from '#reconcile/reconcile.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { Cluster } from '../cluster/cluster.js';
import { reasonOf } from '../load/asked.js';

const LOOK_EVERY_MS = 1_000;

export interface Settled {
  readonly reports: readonly ReconcileReport[];
  /** Operations that could not be reconciled, and why. */
  readonly unreconciled: readonly string[];
}

/** Reconciles every operation, again and again until none is pending, or patience ends. */
export async function settled({ mongo, kafka }: Cluster, withinMs: number): Promise<Settled> {
  const positions = new TopicPositions(kafka);
  const deadline = performance.now() + withinMs;
  for (;;) {
    const operations = await operationsCollection(mongo.db)
      .find({}, { projection: { _id: 1, status: 1 } })
      .toArray();
    const isLate = performance.now() > deadline;
    if (isLate || operations.every(({ status }) => status !== 'running')) {
      const reports: ReconcileReport[] = [];
      const unreconciled: string[] = [];
      for (const { _id: operationId } of operations)
        try {
          reports.push(await reconcile({ client: mongo.client, db: mongo.db, positions, operationId }));
        } catch (error) {
          unreconciled.push(`${operationId} (${reasonOf(error)})`);
        }
      const isSettled = unreconciled.length === 0 && reports.every(({ verdict }) => verdict !== 'pending');
      if (isLate || isSettled) return { reports, unreconciled };
    }
    await delay(LOOK_EVERY_MS);
  }
}
