import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pause, systemClock } from '@orders-pipeline/clock';
import { Command } from 'commander';
import { type Db, Long, UUID } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { orderGenerator } from '#orders/generator/generator.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { toDocument, ordersCollection } from '#orders/order/order-document.js';
import { integerFlag, parseFlags } from '../dev/flags.js';
import { explain, StackError } from '../dev/stack-error.js';
import type { TemporaryStack } from '../dev/supervisor/temporary-stack.js';
import { type HttpServer, startApp, withServer } from './http-server.js';
import { sendArrays, sendSingles } from './order-api-benchmarks.js';
import { asAdmin } from './kafka.js';
import { withMongo, withStack } from './stacks.js';

/**
 * `npm run bookkeeping [-- --orders N] [--only WORKLOAD]`: measures the bytes of every collection and topic per million orders, before and
 * after compaction, for each way in which orders come in. Prints a table in Markdown; progress goes to stderr.
 */

const MILLION = 1_000_000;
const POLL_MS = 1_000;
/** The rollups are built in the background, a few seconds after the last save. */
const SETTLING_MS = 30_000;

const print = (line: string): void => void process.stderr.write(`${line}\n`);
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => interrupted.abort(new Error(`ended by ${name}`)));
const { signal } = interrupted;

const NEEDED_MIB = 6_000;
const CONNECTIONS = 64;
const IN_FLIGHT_LIMIT = '6000';
/** Far behind the end of a run. */
const NEVER_COMPACTED = { COMPACTION_DELAY_SECONDS: String(10 ** 9) };
const COMPACTED_AT_ONCE = { COMPACTION_DELAY_SECONDS: '1', SETTLED_RETENTION_DAYS: '0' };

/** Producer and query API, with a consumer, on servers of their own, whose bytes are measured. */
interface MeasuredStack {
  readonly producer: HttpServer;
  readonly queryApi: HttpServer;
  readonly db: Db;
}

/** The bytes of one workload, in bytes per million orders. */
interface MeasuredBytes {
  readonly workload: string;
  readonly before: StoredBytes;
  readonly after: StoredBytes;
}

/** Runs a workload on empty data, and measures the bytes before and after compaction. */
async function measure(workload: Workload, orders: number): Promise<MeasuredBytes> {
  print(`${workload.name}: ${orders} orders`);
  const quiet = { print: (line: string) => print(`  ${line}`), signal };
  const options = { tool: 'orders-bookkeeping', flags: ['--servers-only'], neededMiB: NEEDED_MIB };
  return withStack(quiet, options, async (servers) => {
    const { addresses } = servers;
    const settings = { ...addresses, IN_FLIGHT_LIMIT, SAVE_DELAY_MS: '0..5', POISON_SHARE: '1' };
    return withServer(startApp('consumer', CONNECTIONS, settings), async () =>
      withServer(startApp('query-api', CONNECTIONS, { ...addresses }), async (queryApi) =>
        withMongo(addresses.MONGODB_URI, async ({ db }) => measureOn({ servers, queryApi, db }, workload, orders)),
      ),
    );
  });
}

async function measureOn(
  { servers, queryApi, db }: Omit<MeasuredStack, 'producer'> & { readonly servers: TemporaryStack },
  workload: Workload,
  orders: number,
): Promise<MeasuredBytes> {
  const { addresses, directory } = servers;
  const producer = (settings: NodeJS.ProcessEnv): Promise<HttpServer> =>
    startApp('producer', CONNECTIONS, { ...addresses, ...settings });
  const bytes = async (): Promise<StoredBytes> => {
    const topics = await topicBytes(join(directory, 'kafka', 'records'), addresses.KAFKA_BROKERS);
    return new Map([...(await collectionBytes(db)), ...topics]);
  };
  const empty = await withServer(producer(NEVER_COMPACTED), async (before) => {
    const nothing = await bytes();
    const stack = { producer: before, queryApi, db };
    await workload.run(stack, orders);
    await allEnded(db, orders);
    await workload.afterwards?.(stack);
    return nothing;
  });
  await queryApi.text('/v1/orders/summary');
  await pause(systemClock, SETTLING_MS);
  const before = perMillion(await bytes(), empty, orders);
  const startedAt = performance.now();
  return withServer(producer(COMPACTED_AT_ONCE), async () => {
    await until(async () => (await operationsCollection(db).countDocuments({ compactedAt: { $exists: false } })) === 0);
    print(`  compacted in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
    await pause(systemClock, SETTLING_MS);
    return { workload: workload.name, before, after: perMillion(await bytes(), empty, orders) };
  });
}

async function until(isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) {
    signal.throwIfAborted();
    await pause(systemClock, POLL_MS);
  }
}

/** Waits until each order is saved, or has a dead letter. */
async function allEnded(db: Db, orders: number): Promise<void> {
  await until(async () => {
    const saved = await ordersCollection(db).countDocuments({ 'ingest.operationId': { $ne: null } });
    return saved + (await deadLettersCollection(db).countDocuments({ state: 'pending' })) >= orders;
  });
}

function perMillion(bytes: StoredBytes, empty: StoredBytes, orders: number): StoredBytes {
  return new Map(
    [...bytes].map(([name, each]) => [name, (Math.max(0, each - (empty.get(name) ?? 0)) * MILLION) / orders]),
  );
}

/** A way in which orders come in. */
interface Workload {
  readonly name: string;
  /** Brings so many orders in. Resolves when all of them are sent. */
  run(stack: MeasuredStack, orders: number): Promise<void>;
  /** Called once all orders are saved or dead-lettered. */
  readonly afterwards?: (stack: MeasuredStack) => Promise<void>;
}

const ARRAY_ORDERS = 100;
const SINGLES_PER_SECOND = 2_000;
/** One order in a hundred becomes a dead letter. */
const DEAD_LETTER_EVERY = 100;
const FILE_ROWS = 10_000;
const REDRIVE_POLL_MS = 500;

const WORKLOADS: readonly Workload[] = [
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
  const documents = Array.from({ length: orders / DEAD_LETTER_EVERY }, (_, at) => {
    const ingest = { operationId: null, partition: 0, offset: Long.ZERO, attempts: 1, savedAt };
    return { ...toDocument(orderAt(at * DEAD_LETTER_EVERY), ingest), _id: new UUID() };
  });
  await ordersCollection(db).insertMany(documents);
}

/** Frees the numbers, and redrives all dead letters. */
async function redriveAll({ db, producer }: MeasuredStack): Promise<void> {
  await ordersCollection(db).deleteMany({ 'ingest.operationId': null });
  await producer.post('/v1/dead-letters/redrive', JSON.stringify({ all: true }));
  while ((await deadLettersCollection(db).countDocuments({ state: { $ne: 'saved' } })) > 0)
    await pause(systemClock, REDRIVE_POLL_MS);
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

/** Bytes by collection or topic. */
type StoredBytes = ReadonlyMap<string, number>;

interface IndexDetails {
  readonly 'block-manager'?: {
    readonly 'file size in bytes'?: number;
    readonly 'file bytes available for reuse'?: number;
  };
}

interface CollectionStats {
  readonly storageSize: number;
  readonly freeStorageSize?: number;
  readonly indexDetails: Readonly<Record<string, IndexDetails>>;
}

/** What a file of MongoDB with a few documents has after some checkpoints. It is subtracted: it does not grow with the number of orders. */
const SMALL_FILE = 36_864;

/**
 * Returns the bytes on disk of each collection with its indexes. Space that MongoDB reuses after a removal does not count. It makes a
 * checkpoint first: before one, the files don't have the last writes, and removed documents still use their space.
 */
async function collectionBytes(db: Db): Promise<StoredBytes> {
  // The space of a removal is free after the checkpoint that follows the one without the documents.
  for (let time = 0; time < 3; time += 1) await db.admin().command({ fsync: 1 });
  const bytes = new Map<string, number>();
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    const stats = (await db.command({ collStats: name, indexDetails: true })) as CollectionStats;
    const indexes = Object.values(stats.indexDetails).map((details) => {
      const { 'file size in bytes': size = 0, 'file bytes available for reuse': free = 0 } =
        details['block-manager'] ?? {};
      return used(size, free);
    });
    bytes.set(name, used(stats.storageSize, stats.freeStorageSize ?? 0) + indexes.reduce((sum, each) => sum + each, 0));
  }
  return bytes;
}

/**
 * Returns the bytes of each topic's records, from the broker's folder. Removed records don't count: Kafka frees their space with their
 * segment.
 */
async function topicBytes(recordsDirectory: string, brokers: string): Promise<StoredBytes> {
  const bytes = new Map<string, number>();
  for (const folder of await readdir(recordsDirectory)) {
    const [, topic] = /^(.+)-\d+$/.exec(folder) ?? [];
    if (topic === undefined || topic.startsWith('__cluster')) continue;
    const files = await readdir(join(recordsDirectory, folder));
    // The index files are preallocated while they are written.
    const logs = files.filter((file) => file.endsWith('.log'));
    const sizes = await Promise.all(logs.map(async (file) => (await stat(join(recordsDirectory, folder, file))).size));
    bytes.set(topic, (bytes.get(topic) ?? 0) + sizes.reduce((sum, size) => sum + size, 0));
  }
  const kept = [...bytes].map(async ([topic, size]): Promise<[string, number]> => {
    return [`topic ${topic}`, size * (await keptShare(brokers, topic))];
  });
  return new Map(await Promise.all(kept));
}

/** Returns the share of a topic's records that are not removed. */
async function keptShare(brokers: string, topic: string): Promise<number> {
  const offsets = await asAdmin(brokers, async (admin) => admin.fetchTopicOffsets(topic));
  const written = offsets.reduce((sum, { high }) => sum + Number(high), 0);
  const kept = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  return written === 0 ? 1 : kept / written;
}

function used(size: number, free: number): number {
  return Math.max(0, size - free - SMALL_FILE);
}

/** What is no processing metadata: the orders themselves, and what Kafka keeps for its groups. */
const NO_METADATA = new Set(['orders', 'topic orders.v1', 'topic __consumer_offsets']);
/** Bytes of which a table shows nothing. */
const NEGLIGIBLE = 500;

/** Returns a table in Markdown: kilobytes per million orders before and after compaction, by collection and topic. */
function bytesTable(measured: readonly MeasuredBytes[]): string {
  const names = [...new Set(measured.flatMap(({ before, after }) => [...before.keys(), ...after.keys()]))].toSorted();
  const shown = names.filter((name) =>
    measured.some(({ before, after }) => (before.get(name) ?? 0) + (after.get(name) ?? 0) >= NEGLIGIBLE),
  );
  const rows = shown.map((name) =>
    [name].concat(measured.map(({ before, after }) => cell(before.get(name), after.get(name)))),
  );
  const sums = measured.map(({ before, after }) => cell(metadataBytes(before), metadataBytes(after)));
  const shares = measured.map(({ before, after }) => (metadataBytes(after) / metadataBytes(before)).toFixed(3));
  return [
    ['kB per million orders', ...measured.map(({ workload }) => workload)],
    ['---', ...measured.map(() => '---')],
    ...rows,
    ['**processing metadata**', ...sums],
    ['after / before', ...shares],
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** Returns the bytes of everything but the orders and their topic. */
function metadataBytes(bytes: StoredBytes): number {
  return [...bytes].reduce((sum, [name, each]) => sum + (NO_METADATA.has(name) ? 0 : each), 0);
}

function cell(before = 0, after = 0): string {
  return `${kilobytes(before)} → ${kilobytes(after)}`;
}

function kilobytes(bytes: number): string {
  return Math.round(bytes / 1_000).toLocaleString('en-US');
}

const FLAGS = new Command('npm run bookkeeping --')
  .description('Measures the stored bytes besides the orders, before and after compaction.')
  .option('--orders <n>', 'orders of each workload, 1,000 or more', integerFlag(1_000, 10 * MILLION), 200_000)
  .option('--only <workload>', 'only the workloads with this text in their name', '');

try {
  const { orders, only } = parseFlags(FLAGS, process.argv.slice(2)).opts<{ orders: number; only: string }>();
  const all: MeasuredBytes[] = [];
  for (const workload of WORKLOADS.filter(({ name }) => name.includes(only))) all.push(await measure(workload, orders));
  console.log(bytesTable(all));
} catch (error) {
  print(explain(error));
  process.exitCode = error instanceof StackError ? error.exitCode : 1;
}
