import { drawsOf } from '#orders/draws.js';
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

const AT_ONCE = 32;
const REQUESTS = 40_000;
const QUICK_REQUESTS = 4_000;
const TIMES = 5;
/** Per cent of the requests: until then V8 compiles. */
const WARM_UP = 25;

const PER_SECOND = 200;
const SECONDS = 60;
const QUICK_SECONDS = 5;
const LIMIT_MS = 10;

/** What NestJS, checks, headers and the rest cost beside the read itself. */
export const readsById: Benchmark = {
  name: 'reads-by-id',
  about: `requests of one order by id, any of all, against a bare Node http server with the same findOne`,
  measure: async (bench) => {
    const saved = await bench.savedOrders();
    return compareInTurns(
      {
        name: 'reads-by-id',
        unit: 'requests/s',
        subject: candidate(bench, saved, 'query API', startQueryApi),
        limit: candidate(bench, saved, 'bare server', startBareServer),
        times: bench.quick ? 1 : TIMES,
        requiredRatio: 0.6,
        notes: [`${AT_ONCE} at a time, of ${saved.count} orders`],
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
      const server = await start(saved.uri, AT_ONCE);
      try {
        return await closedLoop(server, { requests, atOnce: AT_ONCE, pathAt: anyOf(saved) });
      } finally {
        await server.stop();
      }
    },
    valueOf: (measurement) => ratePerSecond(measurement, WARM_UP, 100),
  };
}

/** Spread evenly over all orders, so that most are in no cache of MongoDB's. */
function anyOf({ count, idAt }: SavedOrdersDataset): (nth: number) => string {
  const draw = drawsOf(1);
  return (nth) => `/v1/orders/${idAt(draw(0, nth, count))}`;
}

/** At a pace that the server can keep. */
export const readsByIdLatency: Benchmark = {
  name: 'reads-by-id-latency',
  about: `99 of 100 requests of one order by id take no longer, at ${PER_SECOND} a second`,
  measure: async (bench) => {
    const saved = await bench.savedOrders();
    const requests = PER_SECOND * (bench.quick ? QUICK_SECONDS : SECONDS);
    const server = await startQueryApi(saved.uri, AT_ONCE);
    try {
      await closedLoop(server, { requests: QUICK_REQUESTS, atOnce: AT_ONCE, pathAt: anyOf(saved) });
      const before = await server.figures();
      const latencies = await openLoop(server, { perSecond: PER_SECOND, requests, pathAt: anyOf(saved) });
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
        notes: [
          `from when each was due; half took ${others[0]} ms, 999 of 1,000 ${others[1]}, the longest ${others[2]}`,
        ],
      };
    } finally {
      await server.stop();
    }
  },
};
