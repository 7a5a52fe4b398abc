import { randomUUID } from 'node:crypto';
import { Long, UUID, type Db } from 'mongodb';
import { pause, systemClock } from '@orders-pipeline/clock';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { orderGenerator } from '#orders/generator/generator.js';
import { toDocument, ordersCollection } from '#orders/order/order-document.js';
import { sendArrays, sendSingles } from '../intake/intake-load.js';
import type { MeasuredStack } from './measured-stack.js';

/** A way in which orders come in. */
export interface Workload {
  readonly name: string;
  /** Brings so many orders in. Resolves when all of them are sent. */
  run(stack: MeasuredStack, orders: number): Promise<void>;
  /** Called once all orders are saved or dead-lettered. */
  readonly afterwards?: (stack: MeasuredStack) => Promise<void>;
}

const ARRAY_ORDERS = 100;
const SINGLES_PER_SECOND = 2_000;
/** One order in a hundred becomes a dead letter. */
const LETTER_EVERY = 100;
const FILE_ROWS = 10_000;
const POLL_MS = 500;

export const WORKLOADS: readonly Workload[] = [
  { name: 'populate', run: async (stack, orders) => populate(stack, orders) },
  {
    name: 'populate, 1 % dead letters, redriven',
    run: async (stack, orders) => {
      await takeNumbers(stack.db, orders);
      await populate(stack, orders);
    },
    afterwards: redriveAll,
  },
  { name: 'import', run: importOrders },
  {
    name: 'intake, single orders',
    run: async (stack, orders) => {
      await sendSingles(stack.producer, { perSecond: SINGLES_PER_SECOND, requests: orders });
    },
  },
  {
    name: `intake, arrays of ${ARRAY_ORDERS}`,
    run: async (stack, orders) => {
      await sendArrays(stack.producer, { arrays: orders / ARRAY_ORDERS, size: ARRAY_ORDERS, concurrency: 8 });
    },
  },
];

async function populate({ producer }: MeasuredStack, count: number): Promise<void> {
  await producer.post('/v1/populate', JSON.stringify({ count }));
}

/** Saves other orders under some of the numbers: the orders that should have them become dead letters. */
async function takeNumbers(db: Db, orders: number): Promise<void> {
  const orderAt = orderGenerator({
    operationId: randomUUID(),
    seed: 1,
    count: orders,
    firstNumber: 1,
    accounts: 9,
    from: new Date(0),
    to: new Date(1),
  });
  const savedAt = new Date();
  const documents = Array.from({ length: orders / LETTER_EVERY }, (_, at) => {
    const ingest = { operationId: null, partition: 0, offset: Long.ZERO, attempts: 1, savedAt };
    return { ...toDocument(orderAt(at * LETTER_EVERY), ingest), _id: new UUID() };
  });
  await ordersCollection(db).insertMany(documents);
}

/** Frees the numbers, and redrives all dead letters. */
async function redriveAll({ db, producer }: MeasuredStack): Promise<void> {
  await ordersCollection(db).deleteMany({ 'ingest.operationId': null });
  await producer.post('/v1/dead-letters/redrive', JSON.stringify({ all: true }));
  while ((await deadLettersCollection(db).countDocuments({ state: { $ne: 'saved' } })) > 0)
    await pause(systemClock, POLL_MS);
}

/** Uploads files of the legacy system. */
async function importOrders({ producer }: MeasuredStack, orders: number): Promise<void> {
  const form = new FormData();
  for (let from = 0; from < orders; from += FILE_ROWS) {
    const rows = Array.from({ length: Math.min(FILE_ROWS, orders - from) }, (_, at) => ({
      id: randomUUID(),
      number: from + at + 1,
    }));
    form.append('files', new Blob([JSON.stringify(rows)]), `${from}.json`);
  }
  const { ok, status } = await fetch(`${producer.url}/v1/imports`, { method: 'POST', body: form });
  if (!ok) throw new Error(`the import answered ${status}`);
}
