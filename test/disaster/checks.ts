import { highestReservedNumber } from '#orders/numbering/number-blocks.js';
import {
  recordsBetween,
  DEAD_LETTER_GROUP,
  DEAD_LETTER_TOPIC,
  ORDERS_CONSUMER_GROUP,
  ORDERS_TOPIC,
} from '#orders/topics/topics.js';
import type { ReconcileReport } from '#reconcile/report.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { eventually } from '../support/eventually.js';
import type { TestSystem } from '../support/test-system.js';
import { reconciled } from '../support/run-reconcile.js';
import { quietKafka } from '../support/topic-writer.js';

/** What reconciliation says about all operations. */
export interface Reconciled {
  readonly count: number;
  /** Those that do not hold, in words. */
  readonly broken: readonly string[];
}

export async function reconcileAll(stack: TestSystem): Promise<Reconciled> {
  const response = await fetch(`${stack.producerUrl}/v1/operations?pageSize=100`);
  const { items } = (await response.json()) as { items: OperationResponse[] };
  const own = items.filter(({ kind }) => kind !== 'redrive');
  const broken: string[] = [];
  for (const { id, kind } of own) {
    const { verdict, missing, doubled, altered, phantom } = await settled(async () => reconciled(stack, id));
    if (verdict !== 'holds')
      broken.push(`${kind} ${id}: ${JSON.stringify({ verdict, missing, doubled, altered, phantom })}`);
  }
  return { count: own.length, broken };
}

/** Intakes of killed processes are pending until a producer has closed them. */
async function settled(reconcile: () => Promise<ReconcileReport>): Promise<ReconcileReport> {
  let report = await reconcile();
  await eventually(`operation ${report.operation} is closed`, async () => {
    if (report.verdict === 'pending') report = await reconcile();
    return report.verdict !== 'pending' || report;
  });
  return report;
}

/** Waits until the watermark has passed every number: readers wait for the orders below it. @returns how far it came, and the highest number */
export async function untilComplete(pipeline: TestSystem): Promise<readonly [reached: number, highest: number]> {
  const highest = await highestReservedNumber(pipeline.db);
  let reached = 0;
  await eventually('the watermark reaches the end', async () => {
    const { headers } = await pipeline.get('/v1/orders?pageSize=1');
    reached = Number(headers.get('x-complete-through'));
    return reached >= highest || { reached, highest };
  });
  return [reached, highest];
}

/** Waits until both groups have committed every record. @returns how many records of orders were left at first */
export async function untilConsumed(brokers: string): Promise<number> {
  const kafka = new KafkaPositions(quietKafka(brokers));
  const behind = async (group: string, topic: string): Promise<number> =>
    recordsBetween(await kafka.committed(group, topic), await kafka.ends(topic));
  try {
    const first = await behind(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC);
    await eventually('everything is consumed', async () => {
      const left = await behind(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC);
      const letters = await behind(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC);
      return left + letters === 0 || { left, letters };
    });
    return first;
  } finally {
    await kafka.close();
  }
}
