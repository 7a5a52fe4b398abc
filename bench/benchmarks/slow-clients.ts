import { createDraws } from '#orders/generator/seeded-random.js';
import { WRITTEN_ORDERS_TOPIC } from '../datasets/written-orders-topic.js';
import type { Benchmark, Result, Run } from '../harness/benchmark.js';
import type { Bench } from '../harness/bench.js';
import { median, percentile } from '../harness/statistics.js';
import { sendSingles } from '../intake/intake-load.js';
import { startProducer } from '../intake/intake-servers.js';
import { SlowClients } from '../intake/slow-clients.js';
import type { HttpServer } from '../reads/http-server.js';
import { startQueryApi } from '../reads/read-servers.js';
import { openLoop } from '../reads/requests.js';
import { UnreadExports } from '../reads/unread-exports.js';

const CLIENTS = 200;
const PER_SECOND = 200;
/** Longer than the service waits for a body, and for a client that has stopped reading. */
const SECONDS = 40;
const QUICK_SECONDS = 5;
const WARM_UP_SECONDS = 5;
const TIMES = 2;
const CONNECTIONS = 256;
/** The p99 with slow clients may be this many times the p99 without them, or this many milliseconds more, whichever is more. */
const FACTOR = 2;
const MORE_MS = 20;

/** Measures what clients that send one byte a second cost the others. */
export const slowClients: Benchmark = {
  name: 'slow-clients',
  about: `99th percentile latency of single orders, at ${PER_SECOND} per second, while ${CLIENTS} clients send one byte a second`,
  measure: async (bench) =>
    bench.withServers(WRITTEN_ORDERS_TOPIC, async (servers) => {
      const server = await startProducer(servers, CONNECTIONS);
      let refused = 0;
      return compareWithout(bench, 'slow-clients', {
        server,
        send: async (seconds) => sendSingles(server, { perSecond: PER_SECOND, requests: PER_SECOND * seconds }),
        disturb: async () => {
          const slow = new SlowClients(new URL(server.url), '/v1/orders', CLIENTS);
          return Promise.resolve(async () => {
            slow.stop();
            refused += slow.refused;
            return Promise.resolve(`${refused} slow requests were refused`);
          });
        },
      });
    }),
};

/** Measures what clients that begin an export and read nothing cost the others. */
export const unreadExports: Benchmark = {
  name: 'unread-exports',
  about: `99th percentile latency of requests for one order by id, at ${PER_SECOND} per second, while 32 exports of four callers are not read`,
  measure: async (bench) => {
    const { uri, count, idAt } = await bench.savedOrders();
    const server = await startQueryApi(uri, CONNECTIONS, { TRUST_PROXY: '127.0.0.1' });
    const draw = createDraws(1);
    return compareWithout(bench, 'unread-exports', {
      server,
      send: async (seconds) =>
        openLoop({ perSecond: PER_SECOND, requests: PER_SECOND * seconds }, async (nth) =>
          server.text(`/v1/orders/${idAt(draw(0, nth, count))}`),
        ),
      disturb: async () => {
        const unread = await UnreadExports.begin(server);
        return async () => unread.end();
      },
    });
  },
};

interface Disturbance {
  readonly server: HttpServer;
  /** Sends for this many seconds. @returns the latency of each request, from its scheduled time */
  readonly send: (seconds: number) => Promise<number[]>;
  /** Begins to disturb. @returns a function that ends it, and says what came of it */
  readonly disturb: () => Promise<() => Promise<string>>;
}

/** Compares the p99 of the others with and without clients that disturb, and stops the server. */
async function compareWithout(bench: Bench, name: string, { server, send, disturb }: Disturbance): Promise<Result> {
  const measured = async (contender: string, seconds: number): Promise<Run> => {
    const before = await server.figures();
    const latencies = await send(seconds);
    const { peakRssMiB, cpuSeconds } = await server.figures();
    return { contender, value: percentile(latencies, 99), peakRssMiB, cpuSeconds: cpuSeconds - before.cpuSeconds };
  };
  try {
    await measured('warm-up', WARM_UP_SECONDS);
    const seconds = bench.quick ? QUICK_SECONDS : SECONDS;
    const calm: Run[] = [];
    const disturbed: Run[] = [];
    let outcome = '';
    for (let turn = 0; turn < (bench.quick ? 1 : TIMES); turn += 1) {
      calm.push(await measured('alone', seconds));
      const end = await disturb();
      disturbed.push(await measured('with slow clients', seconds));
      outcome = await end();
    }
    const [alone, value] = [calm, disturbed].map((runs) => median(runs.map((run) => run.value))) as [number, number];
    const limit = Math.max(FACTOR * alone, alone + MORE_MS);
    return {
      name,
      value,
      unit: 'ms',
      limit,
      ratio: limit / value,
      ratioRange: null,
      requiredRatio: 1,
      peakRssMiB: Math.max(...disturbed.map(({ peakRssMiB }) => peakRssMiB)),
      maxRssMiB: null,
      cpuSeconds: median(disturbed.map(({ cpuSeconds }) => cpuSeconds)),
      noisy: false,
      runs: [...calm, ...disturbed],
      notes: [`${alone.toFixed(1)} ms without them; ${outcome}`],
    };
  } finally {
    await server.stop();
  }
}
