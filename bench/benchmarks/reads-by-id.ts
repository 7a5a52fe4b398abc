import { createDraws } from '#orders/generator/seeded-random.js';
import type { SavedOrdersDataset } from '../datasets/saved-orders.js';
import type { Bench } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import type { Candidate } from '../harness/candidate.js';
import { compareInTurns } from '../harness/in-turns.js';
import { ratePerSecond } from '../harness/measurement.js';
import { percentile } from '../harness/statistics.js';
import type { HttpServer } from '../reads/http-server.js';
import { startBareServer, startQueryApi } from '../reads/read-servers.js';
import { closedLoop, openLoop } from '../reads/requests.js';

const CONCURRENCY = 32;
const REQUESTS = 40_000;
const QUICK_REQUESTS = 4_000;
const TIMES = 5;
/** Per cent of the requests, during which V8 compiles. */
const WARM_UP = 25;

const PER_SECOND = 200;
const SECONDS = 60;
const QUICK_SECONDS = 5;
const LIMIT_MS = 10;

/** Measures the overhead of NestJS, validation and headers in addition to the read. */
export const readsById: Benchmark = {
  name: 'reads-by-id',
  about: `requests for one random order by id, compared with a plain Node HTTP server with the same findOne`,
  measure: async (bench) => {
    const saved = await bench.savedOrders();
    return compareInTurns(
      {
        name: 'reads-by-id',
        unit: 'requests/s',
        subject: candidate(bench, saved, 'query API', startQueryApi),
        limit: candidate(bench, saved, 'bare server', startBareServer),
        times: bench.quick ? 1 : TIMES,
        requiredRatio: 0.85,
        notes: [`${CONCURRENCY} concurrent requests over ${saved.count} orders`],
      },
      bench.print,
    );
  },
};

function candidate(
  bench: Bench,
  saved: SavedOrdersDataset,
  label: string,
  start: (uri: string, connections: number) => Promise<HttpServer>,
): Candidate {
  const requests = bench.quick ? QUICK_REQUESTS : REQUESTS;
  return {
    label,
    run: async () => {
      const server = await start(saved.uri, CONCURRENCY);
      try {
        return await closedLoop(server, { requests, concurrency: CONCURRENCY, pathAt: randomPath(saved) });
      } finally {
        await server.stop();
      }
    },
    valueOf: (measurement) => ratePerSecond(measurement, WARM_UP, 100),
  };
}

/** Uniformly random over all orders, so that most are not in MongoDB's cache. */
function randomPath({ count, idAt }: SavedOrdersDataset): (nth: number) => string {
  const draw = createDraws(1);
  return (nth) => `/v1/orders/${idAt(draw(0, nth, count))}`;
}

/** Measures the latency at a rate that the server can sustain. */
export const readsByIdLatency: Benchmark = {
  name: 'reads-by-id-latency',
  about: `99th percentile latency of requests for one order by id, at ${PER_SECOND} per second`,
  measure: async (bench) => {
    const saved = await bench.savedOrders();
    const requests = PER_SECOND * (bench.quick ? QUICK_SECONDS : SECONDS);
    const server = await startQueryApi(saved.uri, CONCURRENCY);
    try {
      await closedLoop(server, { requests: QUICK_REQUESTS, concurrency: CONCURRENCY, pathAt: randomPath(saved) });
      const before = await server.figures();
      const pathAt = randomPath(saved);
      const latencies = await openLoop({ perSecond: PER_SECOND, requests }, async (nth) => server.text(pathAt(nth)));
      const { peakRssMiB, cpuSeconds } = await server.figures();
      const value = percentile(latencies, 99);
      const run = { contender: 'query API', value, peakRssMiB, cpuSeconds: cpuSeconds - before.cpuSeconds };
      const others = [50, 99.9, 100].map((part) => percentile(latencies, part).toFixed(1));
      return {
        name: 'reads-by-id-latency',
        value,
        unit: 'ms',
        limit: LIMIT_MS,
        ratio: LIMIT_MS / value,
        ratioRange: null,
        requiredRatio: 1,
        peakRssMiB,
        maxRssMiB: null,
        cpuSeconds: run.cpuSeconds,
        noisy: false,
        runs: [run],
        notes: [`latency from the scheduled time; p50 ${others[0]} ms, p99.9 ${others[1]} ms, maximum ${others[2]} ms`],
      };
    } finally {
      await server.stop();
    }
  },
};
