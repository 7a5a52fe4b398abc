import { Long } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { parseMoney } from '#orders/order/money.js';
import type { OrderResponse } from '#orders/order/order-response.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { ReconcileReport } from '#reconcile/report.js';
import { Archives, settled } from '../support/archives.js';
import { eventually } from '../support/eventually.js';
import { Imports, legacyPairs, intakeOrder, sendOrders, Redrives } from '../support/sent-orders.js';
import type { TestSystem } from '../support/test-system.js';
import type { PopulateResponse } from '../support/tested-stack.js';
import { runReconcile } from '../support/started-app.js';
import { quietKafka, writeRecords } from '../support/topic-writer.js';

export const COUNT = 2_500;
export const FAULTY = 1_000;
export const IMPORTED = 60;
export const RECEIVED = 7;
export const LATER = 400;

/** Orders of every kind in a pipeline: of operations that have ended before a time, of one that is paused, and later ones. */
export type KindsOfOrders = Awaited<ReturnType<typeof saveKindsOfOrders>>;

/** Saves the orders, and leaves the dead letters of the faulty ones, and one letter without an operation, pending. */
export async function saveKindsOfOrders(pipeline: TestSystem) {
  const system = pipeline;
  const { db } = system;
  const populate = await pipeline.populate({ count: COUNT, seed: 1 });
  const faulty = await pipeline.populate({ count: FAULTY, seed: 2, faults: { poison: 0.02 } });
  const { id: imported } = await new Imports(pipeline).imported({ 'a.json': legacyPairs(IMPORTED) });
  // Without Idempotency-Keys: a batch with keys is settled when they have expired.
  const received = Array.from({ length: RECEIVED }, () => intakeOrder());
  const { operationId: intake, items } = (await sendOrders(pipeline, received)).body;
  await pipeline.allSaved(populate.id);
  await pipeline.allEnded(faulty.id);
  await eventually('the intake is saved', async () => (await pipeline.operation(intake)).saved === RECEIVED);
  const rows = await exportOf(pipeline);
  // A dead letter that belongs to no operation, with the number of an order of the populate.
  await writeOrder(pipeline, rows[9], { id: crypto.randomUUID() });
  const { letters } = new Redrives(pipeline);
  const hasConflict = async () => (await letters.countDocuments({ 'error.code': 'conflict' })) === 1;
  await eventually('it is a dead letter', hasConflict);
  await pipeline.killProducer();
  const isClosed = async () => (await pipeline.operation(intake)).status === 'succeeded';
  await eventually('the intake is closed', isClosed);
  for (const id of [populate.id, imported, intake]) await settled(db, id);
  const paused = await pausedPopulate(pipeline);
  const before = new Date();
  const later = await pipeline.populate({ count: LATER, seed: 3 });
  await pipeline.allSaved(later.id);
  const orders = ordersCollection(db);
  return {
    pipeline,
    archives: await Archives.of(pipeline),
    populate,
    faulty,
    /** Ids of operations. */
    imported,
    intake,
    /** The id of an order that the intake has received. */
    receivedId: String(items[0]?.id),
    /** All orders that were saved before `before`, by number. */
    rows,
    paused,
    before,
    later,
    /** Counts the stored orders. */
    saved: async () => orders.countDocuments({}),
    /** Counts the stored orders of the operations that have ended before the time. */
    savedBefore: async () => orders.countDocuments({ number: { $lt: Long.fromNumber(paused.firstNumber) } }),
    /** Counts the orders that a poison record replaced. */
    poisoned: async () => deadLettersCollection(db).countDocuments({ operationId: faulty.id }),
    exported: async () => exportOf(pipeline),
    /** Writes a saved order to the topic again, without an operation. */
    writeAgain: async (order: OrderResponse | undefined) => writeOrder(pipeline, order),
    completeThrough: async () => {
      const { headers } = await pipeline.get('/v1/orders?pageSize=1');
      return Number(headers.get('x-complete-through'));
    },
    reconciled: async (id: string, ...args: string[]) => {
      const { code, stdout, stderr } = await runReconcile(system, id, '--json', ...args);
      if (stdout === '') throw new Error(stderr);
      return { ...(JSON.parse(stdout) as ReconcileReport), code };
    },
  };
}

/** Starts a populate, and pauses it when it has sent some of its orders. */
async function pausedPopulate(pipeline: TestSystem): Promise<PopulateResponse> {
  const { id } = await pipeline.populate({ count: 90_000, ratePerSecond: 200, chunkSize: 10 });
  await eventually('some orders are sent', async () => (await pipeline.operation(id)).acked > 0);
  await pipeline.post(`/v1/operations/${id}/pause`, {});
  await eventually('the operation is paused, and its orders are saved', async () => {
    const { status, acked, saved } = await pipeline.operation(id);
    return status === 'paused' && acked === saved;
  });
  return pipeline.operation(id);
}

async function exportOf(stack: TestSystem): Promise<OrderResponse[]> {
  const response = await fetch(`${stack.queryApiUrl}/v1/orders/export?format=ndjson`);
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as OrderResponse);
}

async function writeOrder(
  stack: TestSystem,
  order: OrderResponse | undefined,
  change: Partial<OrderResponse> = {},
): Promise<void> {
  if (order === undefined) throw new Error('there is no such order');
  const codec = await OrderCodec.connect({ url: stack.registryUrl });
  const { price, amount, createdAt, legacy: _, ...plain } = { ...order, ...change };
  const money = { price: parseMoney(price), amount: parseMoney(amount) };
  const value = codec.encode({ ...plain, ...money, createdAt: new Date(createdAt) });
  await writeRecords(quietKafka(stack.brokers), ORDERS_TOPIC, [{ partition: 0, key: order.accountId, value }]);
}
