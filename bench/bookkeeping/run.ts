/**
 * `npm run bookkeeping [-- --orders N] [--only WORKLOAD]`: measures the bytes of every collection and topic per million orders, before and
 * after compaction, for each way in which orders come in. Prints a table in Markdown; progress goes to stderr.
 */
import { parseArgs } from 'node:util';
import { pause, systemClock } from '@orders-pipeline/clock';
import { operationsCollection } from '#orders/operation/operation.js';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { bytesTable, type MeasuredBytes } from './bytes-table.js';
import { MeasuredStack } from './measured-stack.js';
import type { StoredBytes } from './stored-bytes.js';
import { WORKLOADS, type Workload } from './workloads.js';

const MILLION = 1_000_000;
const DEFAULT_ORDERS = 200_000;
const POLL_MS = 1_000;
/** The rollups are built in the background, a few seconds after the last save. */
const SETTLING_MS = 30_000;

const print = (line: string): void => void process.stderr.write(`${line}\n`);
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => interrupted.abort(new Error(`ended by ${name}`)));
const { signal } = interrupted;

async function until(isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) {
    signal.throwIfAborted();
    await pause(systemClock, POLL_MS);
  }
}

/** Waits until each order is saved, or has a dead letter. */
async function allEnded({ db }: MeasuredStack, orders: number): Promise<void> {
  await until(async () => {
    const saved = await ordersCollection(db).countDocuments({ 'ingest.operationId': { $ne: null } });
    return saved + (await deadLettersCollection(db).countDocuments({ state: 'pending' })) >= orders;
  });
}

async function measure(workload: Workload, orders: number): Promise<MeasuredBytes> {
  print(`${workload.name}: ${orders} orders`);
  const stack = await MeasuredStack.start((line) => print(`  ${line}`), signal);
  try {
    const empty = await stack.bytes();
    await workload.run(stack, orders);
    await allEnded(stack, orders);
    await workload.afterwards?.(stack);
    await stack.queryApi.text('/v1/orders/summary');
    await pause(systemClock, SETTLING_MS);
    const before = perMillion(await stack.bytes(), empty, orders);
    const startedAt = performance.now();
    await stack.compact();
    await until(
      async () => (await operationsCollection(stack.db).countDocuments({ compactedAt: { $exists: false } })) === 0,
    );
    print(`  compacted in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
    await pause(systemClock, SETTLING_MS);
    return { workload: workload.name, before, after: perMillion(await stack.bytes(), empty, orders) };
  } finally {
    await stack.stop();
  }
}

function perMillion(bytes: StoredBytes, empty: StoredBytes, orders: number): StoredBytes {
  return new Map(
    [...bytes].map(([name, each]) => [name, (Math.max(0, each - (empty.get(name) ?? 0)) * MILLION) / orders]),
  );
}

const { values } = parseArgs({ options: { orders: { type: 'string' }, only: { type: 'string' } } });
const orders = Number(values.orders ?? DEFAULT_ORDERS);
if (!Number.isSafeInteger(orders) || orders < 1_000)
  throw new Error(`--orders must be an integer of 1,000 or more, got ${values.orders}`);
const measured: MeasuredBytes[] = [];
for (const workload of WORKLOADS.filter(({ name }) => name.includes(values.only ?? '')))
  measured.push(await measure(workload, orders));
console.log(bytesTable(measured));
