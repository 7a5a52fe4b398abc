import { pause, systemClock } from '@orders-pipeline/clock';
import type { Benchmark } from '../harness/benchmark.js';
import { pairedRatio, median, spread } from '../harness/statistics.js';
import { NOISY_SPREAD } from '../harness/in-turns.js';
import type { HttpServer } from '../reads/http-server.js';
import { startQueryApi } from '../reads/read-servers.js';

const ROUNDS = 5;
const QUICK_ROUNDS = 2;
/** A restart takes at most this long. */
const LIMIT_SECONDS = 3;
const POLL_MS = 10;
/** Longer than the interval in which the watermark is stored. */
const STORED_MS = 6_000;

/** Restarts the query API with all orders saved: from the start of its process until it is ready and knows the watermark. */
export const readsRestart: Benchmark = {
  name: 'reads-restart',
  about: 'start of the query API over ten million orders, until it is ready and its watermark is complete; at most 3 s',
  measure: async (bench) => {
    const { uri, count } = await bench.savedOrders();
    const first = await restart(uri, count);
    await pause(systemClock, STORED_MS);
    const { peakRssMiB, cpuSeconds } = await first.server.figures();
    await first.server.stop();
    const seconds: number[] = [];
    const readies: number[] = [];
    for (let round = 0; round < (bench.quick ? QUICK_ROUNDS : ROUNDS); round += 1) {
      const { server, ready, complete } = await restart(uri, count);
      readies.push(ready);
      seconds.push(complete);
      await server.stop();
    }
    const limits = seconds.map(() => LIMIT_SECONDS);
    const ratio = pairedRatio(limits, seconds);
    return {
      name: 'reads-restart',
      value: median(seconds),
      unit: 's',
      limit: LIMIT_SECONDS,
      ratio: ratio.median,
      ratioRange: [ratio.min, ratio.max],
      requiredRatio: 1,
      peakRssMiB,
      maxRssMiB: null,
      cpuSeconds,
      noisy: spread(seconds) > NOISY_SPREAD,
      runs: seconds.map((value) => ({ contender: 'query API', value, peakRssMiB, cpuSeconds })),
      notes: [
        `${count.toLocaleString('en-US')} orders; ready after ${median(readies).toFixed(1)} s`,
        `without a stored watermark: ready after ${first.ready.toFixed(1)} s, complete after ${first.complete.toFixed(1)} s`,
      ],
    };
  },
};

/** @returns the seconds until it was ready, and until its watermark was complete */
async function restart(
  uri: string,
  count: number,
): Promise<{ readonly server: HttpServer; readonly ready: number; readonly complete: number }> {
  const startedAt = performance.now();
  const elapsed = (): number => (performance.now() - startedAt) / 1_000;
  const server = await startQueryApi(uri, 1);
  await server.text('/health/ready');
  const ready = elapsed();
  while ((await watermark(server)) < count) await pause(systemClock, POLL_MS);
  return { server, ready, complete: elapsed() };
}

async function watermark({ url }: HttpServer): Promise<number> {
  const response = await fetch(`${url}/v1/orders?page=1&pageSize=1`);
  await response.arrayBuffer();
  return Number(response.headers.get('x-complete-through'));
}
