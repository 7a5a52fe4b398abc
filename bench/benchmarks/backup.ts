import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, systemClock } from '@orders-pipeline/clock';
import type { Benchmark } from '../harness/benchmark.js';
import { runAdmin } from '../migrate/run-admin.js';
import { savesBetween, saveCounts, type SaveCounts } from '../migrate/save-counts.js';
import { withSavedOrders } from '../migrate/saving-pipeline.js';

const ORDERS = 1_000_000;
const QUICK_ORDERS = 100_000;
/** The consumer's default: it uses all of two cores. */
const IN_FLIGHT = 6_000;
/** More than can be saved. */
const PER_SECOND = 1_000_000;
/** How long the pipeline is observed before and after the backup. */
const BESIDE_MS = 20_000;
const WARM_UP_ORDERS = 50_000;
const REQUIRED_RATIO = 0.8;

/** Backs up a database while the pipeline saves as fast as it can. */
export const backup: Benchmark = {
  name: 'backup',
  about:
    'orders/s saved while npm run admin -- backup writes 1,000,000 orders, compared with none; the pipeline uses all cores',
  measure: async (bench) => {
    const orders = bench.quick ? QUICK_ORDERS : ORDERS;
    const folder = await mkdtemp(join(tmpdir(), 'orders-backup-'));
    try {
      return await withSavedOrders(
        bench,
        orders,
        async ({ consumer, servers, populate }) => {
          await populate(PER_SECOND);
          while ((await saveCounts(consumer.url)).saved < WARM_UP_ORDERS) await pause(systemClock, 100);
          const before = await observed(consumer.url, async () => pause(systemClock, BESIDE_MS));
          const during = await observed(consumer.url, async () =>
            runAdmin(['backup', join(folder, 'backup')], servers, bench.print),
          );
          const after = await observed(consumer.url, async () => pause(systemClock, BESIDE_MS));
          const limit = (before.perSecond + after.perSecond) / 2;
          const { peakRssMiB, cpuSeconds } = await consumer.figures();
          const ratio = during.perSecond / limit;
          return {
            name: 'backup',
            value: during.perSecond,
            unit: 'orders/s',
            limit,
            ratio,
            ratioRange: null,
            requiredRatio: REQUIRED_RATIO,
            peakRssMiB,
            maxRssMiB: null,
            cpuSeconds,
            noisy: false,
            runs: [{ contender: 'backup', value: during.perSecond, peakRssMiB, cpuSeconds }],
            notes: [
              `the backup took ${during.seconds.toFixed(1)} s`,
              `saved before and after it: ${Math.round(before.perSecond)} and ${Math.round(after.perSecond)} orders/s`,
              `slowest bulk insert before, meanwhile and after it: below ${before.slowest}, ${during.slowest} and ${after.slowest} s`,
            ],
          };
        },
        IN_FLIGHT,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

interface Observed {
  readonly seconds: number;
  readonly perSecond: number;
  readonly slowest: string;
}

/** Observes the consumer during some work. */
async function observed(url: string, work: () => Promise<unknown>): Promise<Observed> {
  const from: SaveCounts = await saveCounts(url);
  await work();
  const to = await saveCounts(url);
  const { perSecond, slowestInsertSeconds: slowest } = savesBetween(from, to);
  return { seconds: (to.atMs - from.atMs) / 1_000, perSecond, slowest };
}
