import { ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { SavedOrdersDataset } from '../datasets/saved-orders.js';
import type { Benchmark, Result } from '../harness/benchmark.js';
import { pairedRatio, median, spread } from '../harness/statistics.js';
import { NOISY_SPREAD } from '../harness/in-turns.js';
import type { HttpServer } from '../reads/http-server.js';
import { startQueryApi } from '../reads/read-servers.js';

const SIZE = 100;
const ROUNDS = 20;
const QUICK_ROUNDS = 4;
/** Requests per page and round; their median counts. */
const TIMES = 20;
const WARM_UP = 300;
/** Rounds with a skip, which takes seconds. */
const SKIPS = 3;

/** Compares page 100,000 with page 1. */
export const readsPageDepth: Benchmark = {
  name: 'reads-page-depth',
  about: `the last numbered page of ${SIZE} orders, compared with page 1`,
  measure: async (bench) =>
    withQueryApi(await bench.savedOrders(), async (server, { count }) => {
      const last = Math.ceil(count / SIZE);
      const [first, deep]: [number[], number[]] = [[], []];
      for (let round = 0; round < (bench.quick ? QUICK_ROUNDS : ROUNDS); round += 1) {
        first.push(await medianOf(TIMES, async () => page(server, 1)));
        deep.push(await medianOf(TIMES, async () => page(server, last)));
      }
      return latencyResult(server, {
        name: 'reads-page-depth',
        values: deep,
        limits: first,
        // The last page may take 1.2 times as long.
        requiredRatio: 1 / 1.2,
        notes: [`page ${last} compared with page 1, each the median of ${TIMES} requests, alternating`],
      });
    }),
};

/** Compares the last page with `skip` and `limit`, the usual implementation. */
export const readsPageSkip: Benchmark = {
  name: 'reads-page-skip',
  about: `the last numbered page of ${SIZE} orders, compared with skip and limit over the same index`,
  measure: async (bench) =>
    withQueryApi(await bench.savedOrders(), async (server, { uri, count }) => {
      const mongo = new Mongo(uri, 'bench');
      try {
        const skipped = async (): Promise<unknown> =>
          ordersCollection(mongo.db)
            .find({})
            .sort({ number: 1 })
            .skip(count - SIZE)
            .limit(SIZE)
            .toArray();
        const [deep, skips]: [number[], number[]] = [[], []];
        for (let round = 0; round < SKIPS; round += 1) {
          skips.push(await medianOf(1, skipped));
          deep.push(await medianOf(TIMES, async () => page(server, Math.ceil(count / SIZE))));
        }
        return await latencyResult(server, {
          name: 'reads-page-skip',
          values: deep,
          limits: skips,
          // With fewer orders there is less to skip.
          requiredRatio: bench.quick ? 1 : 100,
          notes: ['the skip is a plain find of the driver'],
        });
      } finally {
        await mongo.client.close();
      }
    }),
};

async function withQueryApi(
  saved: SavedOrdersDataset,
  measure: (server: HttpServer, saved: SavedOrdersDataset) => Promise<Result>,
): Promise<Result> {
  const server = await startQueryApi(saved.uri, 1);
  try {
    for (let time = 0; time < WARM_UP; time += 1) await page(server, 1 + time);
    return await measure(server, saved);
  } finally {
    await server.stop();
  }
}

async function page(server: HttpServer, number: number): Promise<void> {
  const text = await server.text(`/v1/orders?page=${number}&pageSize=${SIZE}`);
  if (!text.includes(`"number":${(number - 1) * SIZE + 1},`)) throw new Error(`page ${number} has unexpected orders`);
}

/** Returns the median duration in milliseconds. */
async function medianOf(times: number, request: () => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const startedAt = performance.now();
    await request();
    taken.push(performance.now() - startedAt);
  }
  return median(taken);
}

interface Latencies {
  readonly name: string;
  /** Milliseconds, one for each round. */
  readonly values: readonly number[];
  /** What they are compared with, round by round. */
  readonly limits: readonly number[];
  readonly requiredRatio: number;
  readonly notes: readonly string[];
}

async function latencyResult(server: HttpServer, { name, values, limits, requiredRatio, notes }: Latencies) {
  const { peakRssMiB, cpuSeconds } = await server.figures();
  const ratio = pairedRatio(limits, values);
  return {
    name,
    value: median(values),
    unit: 'ms',
    limit: median(limits),
    ratio: ratio.median,
    ratioRange: [ratio.min, ratio.max],
    requiredRatio,
    peakRssMiB,
    maxRssMiB: null,
    cpuSeconds,
    noisy: spread(limits) > NOISY_SPREAD,
    runs: values.map((value) => ({ contender: 'query API', value, peakRssMiB, cpuSeconds })),
    notes,
  } satisfies Result;
}
