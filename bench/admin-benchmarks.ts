import { endingOf } from '../dev/machine/child-processes.js';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pause, systemClock } from '@orders-pipeline/clock';
import type { Db } from 'mongodb';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { ArchivedList, archivedRangesCollection } from '#orders/archive/archived-ranges.js';
import { isSegmented, operationsCollection } from '#orders/operation/operation.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { ackedBlocks, settledBlocksCollection } from '#orders/settled/settled-blocks.js';
import { verifySegmented } from '#reconcile/verify-before-compaction.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { requireIndexes } from '#service/mongodb/indexes.js';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import type { Bench, Benchmark } from './bench.js';
import { type HttpServer, startApp, withServer } from './http-server.js';
import { measured, type Outcome, type Run } from './result.js';
import { saveOrders } from './saved-orders.js';
import { withMongo, withStack } from './stacks.js';

// `npm run admin` beside a pipeline that saves: what a migration, a backup and an archive cost it.

/** More test orders than can be saved meanwhile. */
const POPULATED = 8_000_000;
const POLL_MS = 100;

/** A producer and a consumer on servers of their own, whose database has orders already. */
interface SavingPipeline {
  readonly mongodbUri: string;
  readonly consumer: HttpServer;
  /** Publishes generated orders until the end. @param perSecond default: as many as the consumer saves */
  readonly populate: (perSecond?: number) => Promise<void>;
  /** Runs a command of `npm run admin`. @returns its seconds. @throws Error unless its exit code is 0 */
  readonly admin: (...args: string[]) => Promise<number>;
}

/** Leaves nothing behind. @param inFlight the limit of its consumer */
async function withSavedOrders(
  bench: Bench,
  orders: number,
  inFlight: number,
  work: (pipeline: SavingPipeline) => Promise<Outcome>,
): Promise<Outcome> {
  const print = (line: string): void => bench.print(`  ${line}`);
  const options = { tool: 'orders-migrate', flags: ['--servers-only'], neededMiB: 10_000 };
  return withStack({ print, signal: bench.signal }, options, async ({ addresses }) => {
    const { MONGODB_URI: mongodbUri } = addresses;
    const startedAt = performance.now();
    // Without indexes, millions of orders are inserted in a fifth of the time; `saveOrders` builds them at its end.
    await withMongo(mongodbUri, async ({ db }) => ordersCollection(db).drop());
    await saveOrders(mongodbUri, orders, bench.signal);
    print(`${orders} orders saved and indexed in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
    const settings = { ...addresses, IN_FLIGHT_LIMIT: String(inFlight) };
    return withServer(startApp('consumer', 1, settings), async (consumer) =>
      withServer(startApp('producer', 1, { ...addresses }), async (producer) =>
        work({
          mongodbUri,
          consumer,
          populate: async (ratePerSecond) =>
            producer.post('/v1/populate', JSON.stringify({ count: POPULATED, ratePerSecond })),
          admin: async (...args) => runAdmin(args, { ...addresses }, bench.print),
        }),
      ),
    );
  });
}

async function runAdmin(
  args: readonly string[],
  servers: NodeJS.ProcessEnv,
  print: (line: string) => void,
): Promise<number> {
  const script = join(PROJECT_DIRECTORY, 'dist', 'apps', 'admin', 'src', 'main.js');
  const startedAt = performance.now();
  const env = { ...process.env, ...servers };
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface(child.stdout).on('line', (line) => print(`  ${line}`));
  const ending = await endingOf(child);
  if (ending !== 'exit code 0') throw new Error(`${args.join(' ')} ended with ${ending}`);
  return (performance.now() - startedAt) / 1_000;
}

/** Saves before, during and after a command. */
interface BesideCommand {
  readonly seconds: number;
  readonly before: Saves;
  readonly during: Saves;
  readonly after: Saves;
  /** Failed saves since the start of the consumer. */
  readonly failed: number;
}

/** Observes the consumer before, during and after a command. */
async function beside(consumer: HttpServer, besideMs: number, command: () => Promise<number>): Promise<BesideCommand> {
  const start = await saveCounts(consumer.url);
  await pause(systemClock, besideMs);
  const alone = await saveCounts(consumer.url);
  const seconds = await command();
  const done = await saveCounts(consumer.url);
  await pause(systemClock, besideMs);
  const ended = await saveCounts(consumer.url);
  return {
    seconds,
    before: savesBetween(start, alone),
    during: savesBetween(alone, done),
    after: savesBetween(done, ended),
    failed: ended.failed,
  };
}

function notesOf({ before, during, after }: BesideCommand): string[] {
  return Object.entries({ before, meanwhile: during, after }).map(
    ([when, { perSecond, slowestInsertSeconds }]) =>
      `${when}: ${Math.round(perSecond)} orders/s saved, slowest bulk insert below ${slowestInsertSeconds} s`,
  );
}

async function runOfConsumer(contender: string, value: number, consumer: HttpServer): Promise<Run[]> {
  const { peakRssMiB, cpuSeconds } = await consumer.figures();
  return [{ contender, value, peakRssMiB, cpuSeconds }];
}

/** Waits until so many orders are saved. */
async function untilSaved({ url }: HttpServer, orders: number): Promise<void> {
  while ((await saveCounts(url)).saved < orders) await pause(systemClock, POLL_MS);
}

const INDEX = 'symbol_createdAt_number';
/** The load in orders/s, far below what two cores save. */
const PER_SECOND = 2_000;

/** Adds an index while the pipeline saves. No save may fail. */
const migrate: Benchmark = {
  name: 'migrate',
  about:
    'npm run admin -- migrate adds an index over 5,000,000 orders while 2,000 orders/s are saved; no save may fail',
  measure: async (bench) => {
    const orders = bench.quick ? 200_000 : 5_000_000;
    return withSavedOrders(bench, orders, 2_000, async ({ mongodbUri, consumer, populate, admin }) => {
      // After the start of the services, which refuse to work without it.
      await withMongo(mongodbUri, async ({ db }) => ordersCollection(db).dropIndex(INDEX));
      await populate(PER_SECOND);
      await untilSaved(consumer, PER_SECOND);
      const observed = await beside(consumer, 15_000, async () => admin('migrate'));
      await withMongo(mongodbUri, async ({ db }) => requireIndexes(db, ['orders']));
      const { failed, seconds } = observed;
      return measured({
        unit: 'failed saves',
        subject: await runOfConsumer('migrate', failed, consumer),
        ratio: failed === 0 ? 1 : 0,
        requiredRatio: 1,
        notes: [
          `index ${INDEX} over ${orders.toLocaleString('en-US')} orders built in ${seconds.toFixed(1)} s`,
          ...notesOf(observed),
        ],
      });
    });
  },
};

/** Gives work a folder that is removed afterwards. */
async function inFolder<T>(prefix: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Backs up a database while the pipeline saves as fast as it can: with the consumer's default limit, it uses all of two cores. */
const backup: Benchmark = {
  name: 'backup',
  about:
    'orders/s saved while npm run admin -- backup writes 1,000,000 orders, compared with none; the pipeline uses all cores',
  measure: async (bench) =>
    inFolder('orders-backup-', async (folder) =>
      withSavedOrders(bench, bench.quick ? 100_000 : 1_000_000, 6_000, async ({ consumer, populate, admin }) => {
        // More than can be saved.
        await populate(1_000_000);
        await untilSaved(consumer, 50_000);
        const observed = await beside(consumer, 20_000, async () => admin('backup', join(folder, 'backup')));
        const { before, during, after, seconds } = observed;
        const limit = (before.perSecond + after.perSecond) / 2;
        return measured({
          unit: 'orders/s',
          subject: await runOfConsumer('backup', during.perSecond, consumer),
          limit,
          ratio: during.perSecond / limit,
          requiredRatio: 0.8,
          notes: [`the backup took ${seconds.toFixed(1)} s`, ...notesOf(observed)],
        });
      }),
    ),
};

/**
 * Archives orders while the pipeline saves others, as fast as its in-flight limit allows.
 * @param requiredRatio the share of the rate that must be kept; `null`: it is only measured
 */
function archiveBeside(name: string, inFlight: number, requiredRatio: number | null): Benchmark {
  return {
    name,
    about: `npm run admin -- archive moves 5,000,000 orders to files while a consumer with ${inFlight} in flight saves others`,
    measure: async (bench) => {
      const orders = bench.quick ? 200_000 : 5_000_000;
      return inFolder('orders-bench-archive-', async (folder) =>
        withSavedOrders(bench, orders, inFlight, async ({ mongodbUri, consumer, populate, admin }) => {
          await withMongo(mongodbUri, settleSavedOrders);
          const earlier = new Date().toISOString();
          await populate();
          // Until the pipeline saves at its full rate.
          await pause(systemClock, 20_000);
          const command = async (): Promise<number> => admin('archive', folder, '--before', earlier);
          const observed = await beside(consumer, 30_000, command);
          await withMongo(mongodbUri, async ({ db }) => requireArchived(db, orders));
          const { before, during, after, seconds, failed } = observed;
          const shown = `${orders.toLocaleString('en-US')} orders archived in ${seconds.toFixed(0)} s`;
          return measured({
            unit: 's',
            subject: await runOfConsumer(name, seconds, consumer),
            value: Math.round(seconds),
            // The orders that the pipeline saves slow it down too: each inserts into larger indexes.
            ratio: during.perSecond / ((before.perSecond + after.perSecond) / 2),
            requiredRatio,
            notes: [`${shown}; failed saves: ${failed}`, ...notesOf(observed)],
          });
        }),
      );
    },
  };
}

/** @throws Error unless all orders are archived */
async function requireArchived(db: Db, orders: number): Promise<void> {
  const ranges = await archivedRangesCollection(db).find({ state: 'archived' }).toArray();
  const archived = ranges.reduce((sum, { count }) => sum + count, 0);
  if (archived !== orders) throw new Error(`${archived} of ${orders} orders are archived`);
}

/**
 * Stores the verified blocks of all orders in a database, as the producer does an hour after their operation has ended, and without its
 * pauses. @throws Error if an order is not as it was sent
 */
async function settleSavedOrders({ db, time }: Mongo): Promise<void> {
  const nothing = new Map<number, number>();
  const sources = {
    db,
    positions: { committed: nothing, ends: nothing, lettersAreProjected: true },
    archivedIds: ArchivedIds.of(db, ArchivedList.of(db)),
  };
  for await (const operation of operationsCollection(db).find({ status: 'succeeded' })) {
    if (!isSegmented(operation)) continue;
    for (const acked of ackedBlocks(operation.segments)) {
      const verified = await verifySegmented(operation, acked, sources);
      if (verified.kind !== 'verified')
        throw new Error(`orders of ${operation._id} are not verified: ${verified.reason}`);
      const { block } = verified;
      await settledBlocksCollection(db).insertOne({ ...block, verifiedAt: time.now(), isCompacted: true });
    }
  }
}

/** What a consumer's metrics say about its saves since its start. */
interface SaveCounts {
  readonly atMs: number;
  readonly saved: number;
  /** Failed attempts of any kind, dead letters, conflicts, and bulk inserts that failed as a whole. */
  readonly failed: number;
  /** Bulk inserts by the upper bounds of their durations, in seconds; cumulative. */
  readonly inserts: ReadonlyMap<string, number>;
}

interface Saves {
  readonly perSecond: number;
  /** The upper bound of the slowest bulk insert. */
  readonly slowestInsertSeconds: string;
}

const SAVED = /^consumer_orders_total\{result="saved"\} (\S+)/m;
const INSERT_BUCKET = /^consumer_bulk_insert_duration_seconds_bucket\{le="([^"]+)",result="succeeded"\} (\S+)/gm;
const FAILURES = [
  /^parallel_consumer_failed_attempts_total\{.*\} (\S+)$/gm,
  /^parallel_consumer_dead_lettered_total\{.*\} (\S+)$/gm,
  /^consumer_bulk_insert_duration_seconds_count\{result="failed"\} (\S+)$/gm,
  /^consumer_orders_total\{result="(?:conflict|refused)"\} (\S+)$/gm,
];

/** Reads the metrics of a consumer. */
async function saveCounts(url: string): Promise<SaveCounts> {
  return countsIn(await (await fetch(`${url}/metrics`)).text(), performance.now());
}

/** Parses metrics. @throws Error if one is missing: then 0 would only seem to be counted */
export function countsIn(metrics: string, atMs: number): SaveCounts {
  const saved = SAVED.exec(metrics)?.[1];
  const failures = FAILURES.map((pattern) => [...metrics.matchAll(pattern)].map(([, count]) => Number(count)));
  if (saved === undefined || failures.some((counts) => counts.length === 0))
    throw new Error('a metric of the consumer is missing');
  return {
    atMs,
    saved: Number(saved),
    failed: failures.flat().reduce((sum, count) => sum + count, 0),
    inserts: new Map([...metrics.matchAll(INSERT_BUCKET)].map(([, bound = '', count]) => [bound, Number(count)])),
  };
}

/** Compares two readings. */
export function savesBetween(from: SaveCounts, to: SaveCounts): Saves {
  const all = grown('+Inf', from, to);
  const bound = [...to.inserts.keys()].find((each) => grown(each, from, to) === all);
  return {
    perSecond: ((to.saved - from.saved) / (to.atMs - from.atMs)) * 1_000,
    slowestInsertSeconds: bound ?? '+Inf',
  };
}

function grown(bound: string, from: SaveCounts, to: SaveCounts): number {
  return (to.inserts.get(bound) ?? 0) - (from.inserts.get(bound) ?? 0);
}

export const ADMIN_BENCHMARKS: readonly Benchmark[] = [
  migrate,
  backup,
  // With 2,000 in flight, one core is enough for the pipeline.
  archiveBeside('archive', 2_000, 0.8),
  // With the default limit, the pipeline alone needs both cores.
  archiveBeside('busy-archive', 6_000, null),
];
