import { pause, systemClock } from '@orders-pipeline/clock';
import { MongoClient } from 'mongodb';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { quietKafka, readRecords } from '../../test/support/topic-writer.js';
import { TemporaryStack } from '../../dev/supervisor/temporary-stack.js';
import { ProcessWatch } from '../end-to-end/process-watch.js';
import { ProducerClient } from '../end-to-end/producer-client.js';
import type { Bench } from '../harness/bench.js';
import type { Benchmark, Result, Run } from '../harness/benchmark.js';
import { NOISY_SPREAD } from '../harness/in-turns.js';
import { median, percentile, spread } from '../harness/statistics.js';
import { recordKey, SeenOrders } from '../visibility/seen-orders.js';

const PER_SECOND = 1_000;
const SECONDS = 30;
const QUICK_SECONDS = 5;
/** V8 and the JVM of Kafka compile for about this long. */
const WARM_UP_SECONDS = 25;
const TURNS = 3;
const NEEDED_MIB = 2_000;
const POLL_MS = 250;
const PARTS = { p50: { part: 50, limitMs: 12 }, p99: { part: 99, limitMs: 30 } } as const;

interface Turn {
  readonly latencies: readonly number[];
  readonly consumer: { readonly peakRssMiB: number; readonly cpuSeconds: number };
}

const measuring = new WeakMap<Bench, Promise<readonly Turn[]>>();

export const visibleP50 = visibleLatency('p50');
export const visibleP99 = visibleLatency('p99');

/** Measures how long a saved order is under way. Both benchmarks share one measurement. */
function visibleLatency(name: 'p50' | 'p99'): Benchmark {
  return {
    name: `visible-${name}`,
    about: `${name} from the time at which Kafka appends a record to its order in MongoDB's change stream, ${PER_SECOND} orders/s, no wait`,
    measure: async (bench) => {
      const measured = measuring.get(bench) ?? measureTurns(bench);
      measuring.set(bench, measured);
      return resultOf(name, await measured);
    },
  };
}

async function measureTurns(bench: Bench): Promise<readonly Turn[]> {
  const turns: Turn[] = [];
  for (let turn = 0; turn < (bench.quick ? 1 : TURNS); turn += 1) {
    const measured = await measureTurn(bench);
    const [p50, p99] = [50, 99].map((part) => percentile(measured.latencies, part).toFixed(1));
    bench.print(`  p50 ${p50} ms, p99 ${p99} ms`);
    turns.push(measured);
  }
  return turns;
}

async function measureTurn({ print, signal, quick }: Bench): Promise<Turn> {
  const flags = ['--no-console', '--save-ms', '0..0'];
  const stack = await TemporaryStack.start({ tool: 'orders-bench', flags, neededMiB: NEEDED_MIB, print, signal });
  const mongo = new MongoClient(stack.addresses.MONGODB_URI);
  try {
    const client = new ProducerClient(stack.url('PRODUCER_PORT'), signal);
    const warmUp = PER_SECOND * WARM_UP_SECONDS;
    const orders = warmUp + PER_SECOND * (quick ? QUICK_SECONDS : SECONDS);
    const watch = new ProcessWatch(() => stack.processes());
    await watch.sample();
    const seen = await SeenOrders.watch(mongo);
    const startedAt = systemClock.now();
    await client.populate(orders, PER_SECOND);
    while (seen.at.size < orders) {
      signal.throwIfAborted();
      await pause(systemClock, POLL_MS);
    }
    await watch.sample();
    await seen.stop();
    const consumer = watch.totals().find(({ name }) => name === 'consumer-1') ?? { peakRssMiB: 0, cpuSeconds: 0 };
    const records = await readRecords(quietKafka(stack.addresses.KAFKA_BROKERS), ORDERS_TOPIC, orders);
    const measured = records.filter(({ timestamp }) => timestamp >= startedAt + WARM_UP_SECONDS * 1_000);
    const latencies = measured.map(
      ({ partition, offset, timestamp }) => (seen.at.get(recordKey(partition, offset)) ?? Number.NaN) - timestamp,
    );
    return { latencies, consumer };
  } finally {
    await mongo.close();
    await stack.stop();
  }
}

function resultOf(name: 'p50' | 'p99', turns: readonly Turn[]): Result {
  const { part, limitMs } = PARTS[name];
  const runs = turns.map(({ latencies, consumer }): Run => ({
    contender: 'pipeline',
    value: percentile(latencies, part),
    ...consumer,
  }));
  const values = runs.map((run) => run.value);
  const value = median(values);
  return {
    name: `visible-${name}`,
    value,
    unit: 'ms',
    limit: limitMs,
    ratio: limitMs / value,
    ratioRange: null,
    requiredRatio: 1,
    peakRssMiB: Math.max(...runs.map((run) => run.peakRssMiB)),
    maxRssMiB: null,
    cpuSeconds: median(runs.map((run) => run.cpuSeconds)),
    noisy: spread(values) > NOISY_SPREAD,
    runs,
    notes: ['the producer sends 100 orders at a time; those of a partition have one timestamp'],
  };
}
