import { pause, systemClock } from '@orders-pipeline/clock';
import { ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { requireIndexes } from '#service/mongodb/indexes.js';
import type { Benchmark } from '../harness/benchmark.js';
import { runAdmin } from '../migrate/run-admin.js';
import { savesBetween, saveCounts, type SaveCounts } from '../migrate/save-counts.js';
import { withSavedOrders } from '../migrate/saving-pipeline.js';

const ORDERS = 5_000_000;
const QUICK_ORDERS = 200_000;
/** The load in orders/s, far below what two cores save. */
const PER_SECOND = 2_000;
const INDEX = 'symbol_createdAt_number';
/** How long the pipeline is observed before and after the migration. */
const BESIDE_MS = 15_000;

/** Adds an index while the pipeline saves. No save may fail. */
export const migrate: Benchmark = {
  name: 'migrate',
  about:
    'npm run admin -- migrate adds an index over 5,000,000 orders while 2,000 orders/s are saved; no save may fail',
  measure: async (bench) => {
    const orders = bench.quick ? QUICK_ORDERS : ORDERS;
    return withSavedOrders(bench, orders, async (pipeline) => {
      await dropIndex(pipeline.mongodbUri);
      await pipeline.populate(PER_SECOND);
      const began = await beforeAndAfter(pipeline.consumer.url);
      const seconds = await runAdmin(['migrate'], { MONGODB_URI: pipeline.mongodbUri }, bench.print);
      const migrated = await saveCounts(pipeline.consumer.url);
      await pause(systemClock, BESIDE_MS);
      const ended = await saveCounts(pipeline.consumer.url);
      await verifyIndex(pipeline.mongodbUri);
      const failed = ended.failed;
      const during = savesBetween(began.after, migrated);
      const { peakRssMiB, cpuSeconds } = await pipeline.consumer.figures();
      return {
        name: 'migrate',
        value: failed,
        unit: 'failed saves',
        limit: null,
        ratio: failed === 0 ? 1 : 0,
        ratioRange: null,
        requiredRatio: 1,
        peakRssMiB,
        maxRssMiB: null,
        cpuSeconds,
        noisy: false,
        runs: [{ contender: 'migrate', value: failed, peakRssMiB, cpuSeconds }],
        notes: [
          `index ${INDEX} over ${orders.toLocaleString('en-US')} orders built in ${seconds.toFixed(1)} s`,
          ...[
            ['before', savesBetween(began.before, began.after)] as const,
            ['meanwhile', during] as const,
            ['after', savesBetween(migrated, ended)] as const,
          ].map(
            ([when, { perSecond, slowestInsertSeconds }]) =>
              `${when}: ${Math.round(perSecond)} orders/s saved, slowest bulk insert below ${slowestInsertSeconds} s`,
          ),
        ],
      };
    });
  },
};

/** Waits until orders are saved, and observes some seconds. */
async function beforeAndAfter(url: string): Promise<{ readonly before: SaveCounts; readonly after: SaveCounts }> {
  while ((await saveCounts(url)).saved < PER_SECOND) await pause(systemClock, 100);
  const before = await saveCounts(url);
  await pause(systemClock, BESIDE_MS);
  return { before, after: await saveCounts(url) };
}

/** After the start of the services, which refuse to work without it. */
async function dropIndex(uri: string): Promise<void> {
  const mongo = new Mongo(uri, 'bench');
  await ordersCollection(mongo.db).dropIndex(INDEX);
  await mongo.client.close();
}

async function verifyIndex(uri: string): Promise<void> {
  const mongo = new Mongo(uri, 'bench');
  await requireIndexes(mongo.db, ['orders']);
  await mongo.client.close();
}
