import { WRITTEN_ORDERS_TOPIC } from '../datasets/written-orders-topic.js';
import type { Bench, BenchServers } from '../harness/bench.js';
import type { Benchmark, Run } from '../harness/benchmark.js';
import type { Candidate } from '../harness/candidate.js';
import { compareInTurns, NOISY_SPREAD } from '../harness/in-turns.js';
import { ratePerSecond } from '../harness/measurement.js';
import { median, percentile, spread } from '../harness/statistics.js';
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
const LATENCY_TURNS = 3;
const QUICK_SECONDS = 5;
/** V8 and the JVM of Kafka compile for about this long: the median falls from 40 ms to 11 ms meanwhile. */
const WARM_UP_SECONDS = 20;
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

/** Measures the latency of single orders at a rate that the producer can sustain, and in turns that of plain Fastify and kafkajs. */
export const intakeLatency: Benchmark = {
  name: 'intake-latency',
  about: `99th percentile latency of single orders, at ${PER_SECOND} per second; beside it, that of plain Fastify and kafkajs`,
  measure: async (bench) => {
    const runs: LatencyRun[] = [];
    for (let turn = 0; turn < (bench.quick ? 1 : LATENCY_TURNS); turn += 1)
      for (const [contender, start] of [
        ['bare server', startBareIntake] as const,
        ['producer', startProducer] as const,
      ]) {
        const run = await latencyOf(bench, contender, start);
        bench.print(`  ${contender}: p50 ${run.p50.toFixed(1)} ms, p99 ${run.value.toFixed(1)} ms`);
        runs.push(run);
      }
    const of = (contender: string, value: (run: LatencyRun) => number): number[] =>
      runs.filter((run) => run.contender === contender).map(value);
    const value = median(of('producer', (run) => run.value));
    const shown = (contender: string): string =>
      `${contender}: p50 ${median(of(contender, ({ p50 }) => p50)).toFixed(1)} ms, p99 ${of(
        contender,
        (run) => run.value,
      )
        .map((ms) => ms.toFixed(1))
        .join(', ')} ms`;
    return {
      name: 'intake-latency',
      value,
      unit: 'ms',
      limit: LIMIT_MS,
      ratio: LIMIT_MS / value,
      ratioRange: null,
      requiredRatio: 1,
      peakRssMiB: Math.max(...of('producer', ({ peakRssMiB }) => peakRssMiB)),
      maxRssMiB: null,
      cpuSeconds: median(of('producer', ({ cpuSeconds }) => cpuSeconds)),
      noisy: spread(of('bare server', (run) => run.value)) > NOISY_SPREAD,
      runs,
      notes: ['latency from the scheduled time', shown('producer'), shown('bare server')],
    };
  },
};

interface LatencyRun extends Run {
  readonly p50: number;
}

async function latencyOf(
  bench: Bench,
  contender: string,
  start: (servers: BenchServers, connections: number) => Promise<HttpServer>,
): Promise<LatencyRun> {
  return bench.withServers(WRITTEN_ORDERS_TOPIC, async (servers) => {
    const server = await start(servers, CONNECTIONS);
    try {
      await sendSingles(server, { perSecond: PER_SECOND, requests: PER_SECOND * WARM_UP_SECONDS });
      const before = await server.figures();
      const requests = PER_SECOND * (bench.quick ? QUICK_SECONDS : SECONDS);
      const latencies = await sendSingles(server, { perSecond: PER_SECOND, requests });
      const { peakRssMiB, cpuSeconds } = await server.figures();
      const [p50 = 0, value = 0] = [50, 99].map((part) => percentile(latencies, part));
      return { contender, value, p50, peakRssMiB, cpuSeconds: cpuSeconds - before.cpuSeconds };
    } finally {
      await server.stop();
    }
  });
}
