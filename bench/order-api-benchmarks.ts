import { formatMoney } from '#orders/order/money.js';
import { PRODUCER_HEAP } from '../dev/supervisor/app-definitions.js';
import type { Bench, Benchmark, BenchServers } from './bench.js';
import { type Candidate, contest } from './contest.js';
import { orderAtOf, WRITTEN_ORDERS_TOPIC } from './datasets.js';
import {
  closedLoop,
  type HttpServer,
  type OpenLoop,
  openLoop,
  startApp,
  startBare,
  withFigures,
  withServer,
} from './http-server.js';
import type { Measurement } from './measurement.js';
import { atMost, isNoisy, median, percentile, type Run, valuesOf } from './result.js';
import { compareWithout, SlowClients } from './slow-clients.js';

// The order API of the producer: `POST /v1/orders` with single orders and arrays of orders.

const PATH = '/v1/orders';
/** Different bodies, made beforehand: the load must cost less than the server. */
const BODIES = 50;
const orderAt = orderAtOf(1_000_000);

function orderBody(index: number): object {
  const { accountId, side, symbol, quantity, price, currency } = orderAt(index);
  return { accountId, side, symbol, quantity, price: formatMoney(price), currency };
}

/** Sends arrays, each when an earlier one has been answered. */
export async function sendArrays(
  server: HttpServer,
  { arrays, size, concurrency }: { readonly arrays: number; readonly size: number; readonly concurrency: number },
): Promise<Measurement> {
  const bodies = Array.from({ length: BODIES }, (_, nth) =>
    JSON.stringify(Array.from({ length: size }, (_order, at) => orderBody(nth * size + at))),
  );
  const load = { requests: arrays, concurrency, size };
  return closedLoop(server, load, async (nth) => server.post(PATH, bodies[nth % BODIES] ?? ''));
}

/** Sends single orders at their scheduled times. @returns latency of each in milliseconds, from its scheduled time */
export async function sendSingles(server: HttpServer, load: OpenLoop): Promise<number[]> {
  return openLoop(load, async (nth) => postSingle(server, nth));
}

async function postSingle(server: HttpServer, nth: number): Promise<void> {
  return server.post(PATH, JSON.stringify(orderBody(nth)));
}

/** The producer, and the server for comparison: plain Fastify and kafkajs, without validation, numbers or a database. */
const STARTS = {
  producer: async (servers: BenchServers, connections: number) => startApp('producer', connections, servers),
  'bare server': async (servers: BenchServers, connections: number) =>
    startBare('order-api', connections, { heap: PRODUCER_HEAP, env: servers }),
} as const;
type Contender = keyof typeof STARTS;

/** Gives work one of the servers, on an empty database. */
async function withServerOf<T>(
  bench: Bench,
  contender: Contender,
  connections: number,
  work: (server: HttpServer) => Promise<T>,
): Promise<T> {
  return bench.withServers(WRITTEN_ORDERS_TOPIC, async (servers) =>
    withServer(STARTS[contender](servers, connections), work),
  );
}

const SIZE = 1_000;
const CONCURRENCY = 8;

function sendingArrays(bench: Bench, label: Contender): Candidate {
  const load = { arrays: bench.quick ? 60 : 200, size: SIZE, concurrency: CONCURRENCY };
  return {
    label,
    run: async () => withServerOf(bench, label, CONCURRENCY, async (server) => sendArrays(server, load)),
  };
}

/** Measures the overhead of NestJS, validation, numbers, hashes and batches in MongoDB. */
const throughput = contest({
  name: 'intake',
  about: `arrays of ${SIZE} orders, compared with plain Fastify and kafkajs that encode and send them`,
  subject: (bench) => [sendingArrays(bench, 'producer')],
  limit: (bench) => [sendingArrays(bench, 'bare server')],
  times: 5,
  warmUp: 20,
  requiredRatio: 0.6,
  notes: [`${CONCURRENCY} concurrent requests`],
});

const PER_SECOND = 1_000;
/** V8 and the JVM of Kafka compile for about this long: the median falls from 40 ms to 11 ms meanwhile. */
const WARM_UP_SECONDS = 20;
/** More than wait at any time: a client that waits for a connection would add to the latency. */
const CONNECTIONS = 512;

interface LatencyRun extends Run {
  readonly p50: number;
}

/** Measures the latency of single orders at a rate that the producer can sustain, and in turns that of plain Fastify and kafkajs. */
const latency: Benchmark = {
  name: 'intake-latency',
  about: `99th percentile latency of single orders, at ${PER_SECOND} per second; beside it, that of plain Fastify and kafkajs`,
  measure: async (bench) => {
    const turns = await bench.repeat(3, async () => {
      const bare = await latencyOf(bench, 'bare server');
      return { bare, subject: await latencyOf(bench, 'producer') };
    });
    const [bare, subject] = [turns.map((turn) => turn.bare), turns.map((turn) => turn.subject)];
    return atMost(60, {
      unit: 'ms',
      subject,
      noisy: isNoisy(valuesOf(bare)),
      runs: turns.flatMap((turn) => [turn.bare, turn.subject]),
      notes: ['latency from the scheduled time', shown(subject), shown(bare)],
    });
  },
};

function shown(runs: readonly LatencyRun[]): string {
  const p50 = median(runs.map((run) => run.p50)).toFixed(1);
  const p99 = valuesOf(runs).map((ms) => ms.toFixed(1));
  return `${runs[0]?.contender}: p50 ${p50} ms, p99 ${p99.join(', ')} ms`;
}

async function latencyOf(bench: Bench, contender: Contender): Promise<LatencyRun> {
  return withServerOf(bench, contender, CONNECTIONS, async (server) => {
    await sendSingles(server, { perSecond: PER_SECOND, requests: PER_SECOND * WARM_UP_SECONDS });
    const load = { perSecond: PER_SECOND, requests: PER_SECOND * (bench.quick ? 5 : 30) };
    const { result, figures } = await withFigures(server, async () => sendSingles(server, load));
    const [p50, value] = [percentile(result, 50), percentile(result, 99)];
    bench.print(`  ${contender}: p50 ${p50.toFixed(1)} ms, p99 ${value.toFixed(1)} ms`);
    return { contender, value, p50, ...figures };
  });
}

const SLOW_CLIENTS = 200;
const BESIDE_PER_SECOND = 200;

/** Measures what clients that send one byte a second cost the others. */
const slowClients: Benchmark = {
  name: 'slow-clients',
  about: `99th percentile latency of single orders, at ${BESIDE_PER_SECOND} per second, while ${SLOW_CLIENTS} clients send one byte a second`,
  measure: async (bench) =>
    withServerOf(bench, 'producer', 256, async (server) => {
      let refused = 0;
      return compareWithout(bench, {
        server,
        perSecond: BESIDE_PER_SECOND,
        send: async (nth) => postSingle(server, nth),
        disturb: async () => {
          const slow = new SlowClients(new URL(server.url), PATH, SLOW_CLIENTS);
          return Promise.resolve(async () => {
            slow.stop();
            refused += slow.refused;
            return Promise.resolve(`${refused} slow requests were refused`);
          });
        },
      });
    }),
};

export const ORDER_API_BENCHMARKS: readonly Benchmark[] = [throughput, latency, slowClients];
