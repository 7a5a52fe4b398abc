import { WRITTEN_ORDERS_TOPIC } from '../datasets/written-orders-topic.js';
import type { Benchmark, Run } from '../harness/benchmark.js';
import { median, percentile } from '../harness/statistics.js';
import { sendSingles } from '../intake/intake-load.js';
import { startProducer } from '../intake/intake-servers.js';
import { SlowClients } from '../intake/slow-clients.js';
import type { HttpServer } from '../reads/http-server.js';

const CLIENTS = 200;
const PER_SECOND = 200;
/** Longer than the service waits for a body, so that it also refuses the clients. */
const SECONDS = 35;
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
      try {
        await measured(server, 'warm-up', WARM_UP_SECONDS);
        const seconds = bench.quick ? QUICK_SECONDS : SECONDS;
        const calm: Run[] = [];
        const disturbed: Run[] = [];
        let refused = 0;
        for (let turn = 0; turn < (bench.quick ? 1 : TIMES); turn += 1) {
          calm.push(await measured(server, 'alone', seconds));
          const slow = new SlowClients(new URL(server.url), '/v1/orders', CLIENTS);
          disturbed.push(await measured(server, 'with slow clients', seconds));
          slow.stop();
          refused += slow.refused;
        }
        const [alone, value] = [calm, disturbed].map((runs) => median(runs.map((run) => run.value))) as [
          number,
          number,
        ];
        const limit = Math.max(FACTOR * alone, alone + MORE_MS);
        return {
          name: 'slow-clients',
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
          notes: [`${alone.toFixed(1)} ms without them; ${refused} slow requests were refused`],
        };
      } finally {
        await server.stop();
      }
    }),
};

/** The run's value is its p99 latency, from the scheduled time of each request. */
async function measured(server: HttpServer, contender: string, seconds: number): Promise<Run> {
  const before = await server.figures();
  const latencies = await sendSingles(server, { perSecond: PER_SECOND, requests: PER_SECOND * seconds });
  const { peakRssMiB, cpuSeconds } = await server.figures();
  return { contender, value: percentile(latencies, 99), peakRssMiB, cpuSeconds: cpuSeconds - before.cpuSeconds };
}
