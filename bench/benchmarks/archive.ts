import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, systemClock } from '@orders-pipeline/clock';
import { archivedRangesCollection } from '#orders/archive/archived-ranges.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { settleSavedOrders } from '../archive/settle-saved-orders.js';
import type { Benchmark, Result } from '../harness/benchmark.js';
import { runAdmin } from '../migrate/run-admin.js';
import { savesBetween, saveCounts } from '../migrate/save-counts.js';
import { withSavedOrders, type SavingPipeline } from '../migrate/saving-pipeline.js';

const ORDERS = 5_000_000;
const QUICK_ORDERS = 200_000;
/** The share of its rate that the pipeline must keep. */
const REQUIRED = 0.8;
/** Until the pipeline saves at its full rate. */
const WARM_UP_MS = 20_000;
/** How long the pipeline is observed before and after. */
const BESIDE_MS = 30_000;

/**
 * Archives orders while the pipeline saves others, as fast as its in-flight limit allows.
 * @param requiredRatio the share of the rate that must be kept; `null`: it is only measured
 */
export function archiveBeside(name: string, inFlight: number, requiredRatio: number | null): Benchmark {
  return {
    name,
    about: `npm run admin -- archive moves 5,000,000 orders to files while a consumer with ${inFlight} in flight saves others`,
    measure: async (bench) => {
      const orders = bench.quick ? QUICK_ORDERS : ORDERS;
      const folder = await mkdtemp(join(tmpdir(), 'orders-bench-archive-'));
      try {
        return await withSavedOrders(
          bench,
          orders,
          async (pipeline) => measure(pipeline, { name, orders, folder, requiredRatio, print: bench.print }),
          inFlight,
        );
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

interface Measured {
  readonly name: string;
  readonly orders: number;
  readonly folder: string;
  readonly requiredRatio: number | null;
  readonly print: (line: string) => void;
}

async function measure(
  pipeline: SavingPipeline,
  { name, orders, folder, requiredRatio, print }: Measured,
): Promise<Result> {
  const { consumer, mongodbUri, servers } = pipeline;
  await settleSavedOrders(mongodbUri);
  const before = new Date().toISOString();
  await pipeline.populate(null);
  await pause(systemClock, WARM_UP_MS);
  const start = await saveCounts(consumer.url);
  await pause(systemClock, BESIDE_MS);
  const alone = await saveCounts(consumer.url);
  const seconds = await runAdmin(['archive', folder, '--before', before], servers, print);
  const archived = await saveCounts(consumer.url);
  await pause(systemClock, BESIDE_MS);
  const ended = await saveCounts(consumer.url);
  await verify(mongodbUri, orders);
  const rates = [savesBetween(start, alone), savesBetween(alone, archived), savesBetween(archived, ended)] as const;
  const [first, during, last] = rates;
  const { peakRssMiB, cpuSeconds } = await consumer.figures();
  return {
    name,
    value: Math.round(seconds),
    unit: 's',
    limit: null,
    // The orders that the pipeline saves slow it down too: each inserts into larger indexes.
    ratio: during.perSecond / ((first.perSecond + last.perSecond) / 2),
    ratioRange: null,
    requiredRatio,
    peakRssMiB,
    maxRssMiB: null,
    cpuSeconds,
    noisy: false,
    runs: [{ contender: name, value: seconds, peakRssMiB, cpuSeconds }],
    notes: [
      `${orders.toLocaleString('en-US')} orders archived in ${seconds.toFixed(0)} s; failed saves: ${ended.failed}`,
      ...rates.map(
        ({ perSecond, slowestInsertSeconds }, at) =>
          `${['before', 'meanwhile', 'after'][at]}: ${Math.round(perSecond)} orders/s saved, slowest bulk insert below ${slowestInsertSeconds} s`,
      ),
    ],
  };
}

/** @throws Error unless all orders are archived */
async function verify(uri: string, orders: number): Promise<void> {
  const mongo = new Mongo(uri, 'bench');
  try {
    const ranges = await archivedRangesCollection(mongo.db).find({ state: 'archived' }).toArray();
    const archived = ranges.reduce((sum, { count }) => sum + count, 0);
    if (archived !== orders) throw new Error(`${archived} of ${orders} orders are archived`);
  } finally {
    await mongo.client.close();
  }
}

/** With 2,000 in flight, one core is enough for the pipeline. */
export const archive = archiveBeside('archive', 2_000, REQUIRED);
/** With the default limit, the pipeline alone needs both cores. */
export const busyArchive = archiveBeside('busy-archive', 6_000, null);
