import { WRITTEN_ORDERS_TOPIC } from '../datasets/written-orders-topic.js';
import type { Bench, BenchServers } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import type { Candidate } from '../harness/candidate.js';
import { compareInTurns } from '../harness/in-turns.js';
import { ratePerSecond } from '../harness/measurement.js';
import { percentile } from '../harness/statistics.js';
import { sendArrays, sendSingles } from '../intake/intake-load.js';
import { startBareIntake, startProducer } from '../intake/intake-servers.js';
import type { HttpServer } from '../reads/http-server.js';

const SIZE = 1_000;
const ARRAYS = 200;
const QUICK_ARRAYS = 60;
const CONCURRENCY = 8;
const TIMES = 5;
/** Per cent of the orders, during which V8 compiles. */
const WARM_UP = 20;

const PER_SECOND = 1_000;
const SECONDS = 30;
const QUICK_SECONDS = 5;
const WARM_UP_SECONDS = 5;
/** More than wait at any time: a client that waits for a connection would add to the latency. */
const CONNECTIONS = 512;
const LIMIT_MS = 60;

/** Measures the overhead of NestJS, validation, numbers, hashes and batches in MongoDB. */
export const intake: Benchmark = {
  name: 'intake',
  about: `arrays of ${SIZE} orders, compared with plain Fastify and kafkajs that encode and send them`,
  measure: async (bench) =>
    compareInTurns(
      {
        name: 'intake',
        unit: 'orders/s',
        subject: candidate(bench, 'producer', startProducer),
        limit: candidate(bench, 'bare server', startBareIntake),
        times: bench.quick ? 1 : TIMES,
        requiredRatio: 0.6,
        notes: [`${CONCURRENCY} concurrent requests`],
      },
      bench.print,
    ),
};

function candidate(
  bench: Bench,
  label: string,
  start: (servers: BenchServers, connections: number) => Promise<HttpServer>,
): Candidate {
  const arrays = bench.quick ? QUICK_ARRAYS : ARRAYS;
  return {
    label,
    run: async () =>
      bench.withServers(WRITTEN_ORDERS_TOPIC, async (servers) => {
        const server = await start(servers, CONCURRENCY);
        try {
          return await sendArrays(server, { arrays, size: SIZE, concurrency: CONCURRENCY });
        } finally {
          await server.stop();
        }
      }),
    valueOf: (measurement) => ratePerSecond(measurement, WARM_UP, 100),
  };
}

/** Measures the latency of single orders at a rate that the producer can sustain. */
export const intakeLatency: Benchmark = {
  name: 'intake-latency',
  about: `99th percentile latency of single orders, at ${PER_SECOND} per second`,
  measure: async (bench) =>
    bench.withServers(WRITTEN_ORDERS_TOPIC, async (servers) => {
      const server = await startProducer(servers, CONNECTIONS);
      try {
        await sendSingles(server, { perSecond: PER_SECOND, requests: PER_SECOND * WARM_UP_SECONDS });
        const before = await server.figures();
        const requests = PER_SECOND * (bench.quick ? QUICK_SECONDS : SECONDS);
        const latencies = await sendSingles(server, { perSecond: PER_SECOND, requests });
        const { peakRssMiB, cpuSeconds } = await server.figures();
        const value = percentile(latencies, 99);
        const run = { contender: 'producer', value, peakRssMiB, cpuSeconds: cpuSeconds - before.cpuSeconds };
        const others = [50, 99.9, 100].map((part) => percentile(latencies, part).toFixed(1));
        return {
          name: 'intake-latency',
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
            `latency from the scheduled time; p50 ${others[0]} ms, p99.9 ${others[1]} ms, maximum ${others[2]} ms`,
          ],
        };
      } finally {
        await server.stop();
      }
    }),
};
