import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pause, systemClock } from '@orders-pipeline/clock';
import { type ChangeStream, Long, type MongoClient } from 'mongodb';
import type { ConsumerHeartbeat } from '#orders/consumer/consumers.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { TemporaryStack } from '../dev/supervisor/temporary-stack.js';
import { waitUntil } from '../dev/waits.js';
import { launchBrowser } from '../test/browser/browser.js';
import { ImitatedConsole } from '../test/browser/scripted-origin.js';
import { requestToken } from '../test/support/secured-mode.js';
import { quietKafka, readRecords } from '../test/support/topic-writer.js';
import type { Bench, Benchmark } from './bench.js';
import { type Candidate, contest } from './contest.js';
import type { Measurement } from './measurement.js';
import { figuresOf, ProcessWatch } from './process-watch.js';
import { atMost, comparedWith, isNoisy, percentile, type Run, valuesOf } from './result.js';
import { pidOf, ProducerClient, withMongo, withStack } from './stacks.js';

// The whole system of `npm start`: how it scales, how soon orders are visible, what security and the console cost.

const SAVE_MS = '0..1000';
export const MEAN_SAVE_SECONDS = 0.5;
/** Time until V8 has compiled and the first saves complete. */
const WARM_UP_SECONDS = 5;
/** Extra work, so that the orders last until the end of the measurement. */
const RESERVE_SECONDS = 3;
/** Two cores do not save more: further orders would only have to be saved after the measurement. */
const MAX_PER_SECOND = 22_000;
const POLL_MS = 100;
const SAVED_WITHIN_MS = 180_000;
const SCALED_TIMES = 3;
const IN_FLIGHT = 1_000;

/** Compares several consumers with one, alternating: ideally the rate grows with the number of consumers. */
function consumersAgainstOne(consumers: number, requiredGain: number): Benchmark {
  return {
    name: `scaling-consumers-${consumers}`,
    about: `${consumers} consumers, ${IN_FLIGHT} in flight each, save 0..1 s, compared with ${consumers} times one`,
    measure: async (bench) => {
      const turns = await bench.repeat(SCALED_TIMES, async () => {
        return { one: await scaled(bench, 1, IN_FLIGHT), many: await scaled(bench, consumers, IN_FLIGHT) };
      });
      const [ones, subject] = [turns.map(({ one }) => one), turns.map(({ many }) => many)];
      const outcome = comparedWith(
        ones.map(({ value }) => consumers * value),
        { unit: 'orders/s', subject, runs: [...ones, ...subject], requiredRatio: requiredGain / consumers },
      );
      const gain = ((outcome.ratio ?? 0) * consumers).toFixed(2);
      return { ...outcome, notes: [`x${gain} of one consumer, required x${requiredGain}`] };
    },
  };
}

/** Compares one consumer with `in flight / mean save time`: the curve flattens at the capacity of the machine. */
function consumerWith(inFlight: number, requiredRatio: number | null): Benchmark {
  return {
    name: `scaling-in-flight-${inFlight}`,
    about: `one consumer, ${inFlight} in flight, save 0..1 s into MongoDB, compared with ${inFlight} / 0.5 s`,
    measure: async (bench) => {
      const subject = await bench.repeat(SCALED_TIMES, async () => scaled(bench, 1, inFlight));
      const limits = subject.map(() => inFlight / MEAN_SAVE_SECONDS);
      return comparedWith(limits, { unit: 'orders/s', subject, requiredRatio, noisy: isNoisy(valuesOf(subject)) });
    },
  };
}

/**
 * Runs consumers as `npm start` does, over a populate that outlasts the measurement. Measures orders saved per second between the warm-up
 * and the end, by the counts and times of the consumers' heartbeats. Returns after all orders are saved.
 */
async function scaled(bench: Bench, consumers: number, inFlight: number): Promise<Run> {
  const { print, signal } = bench;
  const seconds = bench.quick ? 4 : 10;
  const stack = await bench.consumingStack();
  const settings = { IN_FLIGHT_LIMIT: String(inFlight), ORDERING: 'key', SAVE_DELAY_MS: SAVE_MS, SAVE_DELAY_SEED: '1' };
  await stack.consume(consumers, settings);
  const until = async (what: string, holds: () => Promise<boolean>): Promise<true> =>
    waitUntil(what, SAVED_WITHIN_MS, signal, async () => (await holds()) || undefined, POLL_MS);
  const perSecond = Math.min(MAX_PER_SECOND, (consumers * inFlight) / MEAN_SAVE_SECONDS);
  const count = Math.ceil(perSecond * (WARM_UP_SECONDS + seconds + RESERVE_SECONDS));
  const orders = ordersCollection(stack.mongo.db);
  const before = await orders.estimatedDocumentCount();
  await stack.producer.populate({ count, seed: randomInt(2 ** 31) });
  await until('a save', async () => (await stack.heartbeats()).some(({ inFlight: running }) => running > 0));
  await pause(systemClock, WARM_UP_SECONDS * 1_000);
  const watch = new ProcessWatch(() => stack.processes().filter(({ name }) => name.startsWith('consumer-')));
  const sampled = async (): Promise<ConsumerHeartbeat[]> =>
    (await Promise.all([stack.heartbeats(), watch.sample()]))[0];
  const first = await sampled();
  await pause(systemClock, seconds * 1_000);
  const value = heartbeatRate(first, await sampled());
  const totals = watch.totals();
  const saved = async (): Promise<number> => (await orders.estimatedDocumentCount()) - before;
  if ((await saved()) >= count)
    throw new Error(
      `all ${count} orders were saved before the measurement ended: the rate would not be that of ${consumers} consumers`,
    );
  await until('the saves of all orders', async () => (await saved()) >= count);
  const peakRssMiB = Math.max(...totals.map((total) => total.peakRssMiB));
  const cpuSeconds = totals.reduce((sum, total) => sum + total.cpuSeconds, 0);
  const contender = `${consumers} x ${inFlight}`;
  const cores = (cpuSeconds / seconds).toFixed(2);
  print(`  ${contender}: ${Math.round(value)}/s, ${cores} cores, peak ${Math.round(peakRssMiB)} MiB`);
  return { contender, value, peakRssMiB, cpuSeconds };
}

type Counted = Pick<ConsumerHeartbeat, '_id' | 'at' | 'finished' | 'deadLettered'>;

/**
 * Returns what consumers saved per second between two samples, each by the times of its own heartbeats.
 * @throws RangeError when a consumer started or stopped meanwhile, or sent no new heartbeat
 */
export function heartbeatRate(first: readonly Counted[], last: readonly Counted[]): number {
  if (first.length !== last.length) throw new RangeError('a consumer started or stopped during the measurement');
  return last.reduce((sum, now) => {
    const before = first.find(({ _id }) => _id === now._id);
    const seconds = before === undefined ? 0 : (now.at.getTime() - before.at.getTime()) / 1_000;
    if (before === undefined || seconds <= 0)
      throw new RangeError('a consumer sent no heartbeat during the measurement');
    return sum + (savedBy(now) - savedBy(before)) / seconds;
  }, 0);
}

function savedBy({ finished, deadLettered }: Counted): number {
  return finished - deadLettered;
}

const VISIBLE_PER_SECOND = 1_000;
/** V8 and the JVM of Kafka compile for about this long. */
const VISIBLE_WARM_UP_SECONDS = 25;
const VISIBLE_POLL_MS = 250;

/** Measures how long a saved order is under way. Both benchmarks share one measurement. */
function visibleLatency(part: 50 | 99, limitMs: number): Benchmark {
  return {
    name: `visible-p${part}`,
    about: `p${part} from the time at which Kafka appends a record to its order in MongoDB's change stream, ${VISIBLE_PER_SECOND} orders/s, no wait`,
    measure: async (bench) => {
      const turns = await bench.once(measureVisible);
      const subject = turns.map(({ latencies, consumer }): Run => {
        return Object.assign({ contender: 'pipeline', value: percentile(latencies, part) }, consumer);
      });
      const notes = ['the producer sends 100 orders at a time; those of a partition have one timestamp'];
      return atMost(limitMs, { unit: 'ms', subject, noisy: isNoisy(valuesOf(subject)), notes });
    },
  };
}

async function measureVisible(bench: Bench) {
  const options = { flags: ['--no-console', '--save-ms', '0..0'], neededMiB: 2_000 };
  return bench.repeat(3, async () => {
    const turn = await withStack(bench, options, async (stack) => visibleTurn(bench, stack));
    const [p50, p99] = [50, 99].map((part) => percentile(turn.latencies, part).toFixed(1));
    bench.print(`  p50 ${p50} ms, p99 ${p99} ms`);
    return turn;
  });
}

async function visibleTurn({ signal, quick }: Bench, stack: TemporaryStack) {
  const client = new ProducerClient(stack.url('PRODUCER_PORT'), signal);
  const orders = VISIBLE_PER_SECOND * (VISIBLE_WARM_UP_SECONDS + (quick ? 5 : 30));
  const watch = new ProcessWatch(() => stack.processes());
  await watch.sample();
  return withMongo(stack.addresses.MONGODB_URI, async ({ client: mongo }) => {
    const seen = await SeenOrders.watch(mongo);
    const startedAt = systemClock.now();
    await client.populate({ count: orders, ratePerSecond: VISIBLE_PER_SECOND });
    while (seen.at.size < orders) {
      signal.throwIfAborted();
      await pause(systemClock, VISIBLE_POLL_MS);
    }
    await watch.sample();
    await seen.stop();
    const consumer = watch.totals().find(({ name }) => name === 'consumer-1') ?? { peakRssMiB: 0, cpuSeconds: 0 };
    const records = await readRecords(quietKafka(stack.addresses.KAFKA_BROKERS), ORDERS_TOPIC, orders);
    const latencies = records
      .filter(({ timestamp }) => timestamp >= startedAt + VISIBLE_WARM_UP_SECONDS * 1_000)
      .map(({ partition, offset, timestamp }) => (seen.at.get(`${partition}:${offset}`) ?? Number.NaN) - timestamp);
    return { latencies, consumer };
  });
}

interface Change {
  readonly operationType: string;
  readonly fullDocument?: { readonly ingest: { readonly partition: number; readonly offset: number | Long } };
}

/** When each order was seen in MongoDB's change stream, which returns what a majority has. */
class SeenOrders {
  /** By partition and offset of the record that was saved, such as `3:17`; in ms since the epoch. */
  readonly at = new Map<string, number>();
  private readonly ended: Promise<void>;

  private constructor(private readonly stream: ChangeStream) {
    this.ended = this.run();
  }

  /** Resolves once no later order is missed. */
  static async watch(client: MongoClient): Promise<SeenOrders> {
    const fields = { operationType: 1, 'fullDocument.ingest.partition': 1, 'fullDocument.ingest.offset': 1 };
    const orders = client.db().collection('orders');
    const stream = orders.watch([{ $project: fields }], { batchSize: 1_000 });
    await stream.tryNext();
    return new SeenOrders(stream);
  }

  async stop(): Promise<void> {
    await this.stream.close();
    await this.ended;
  }

  private async run(): Promise<void> {
    // It ends when the stream is closed.
    for await (const change of this.stream.stream() as AsyncIterable<Change>) {
      if (change.operationType !== 'insert' || change.fullDocument === undefined) continue;
      const { partition, offset } = change.fullDocument.ingest;
      this.at.set(`${partition}:${Number(offset)}`, performance.timeOrigin + performance.now());
    }
  }
}

const SECURED_IN_FLIGHT = 10_000;

/** Compares the whole stack with and without TLS, users and access control: from the populate request to the last saved order. */
const secured = contest({
  name: 'secured',
  about: `npm start -- --secured compared with the open stack, one consumer, ${SECURED_IN_FLIGHT} in flight, save 0..1 s`,
  subject: (bench) => [savingStack(bench, 'secured', ['--secured'])],
  limit: (bench) => [savingStack(bench, 'open', [])],
  times: 3,
  requiredRatio: 0.8,
});

function savingStack(bench: Bench, label: string, flags: readonly string[], env: NodeJS.ProcessEnv = {}): Candidate {
  const all = ['--no-console', '--in-flight', String(SECURED_IN_FLIGHT), ...flags];
  return {
    label,
    run: async () => withStack(bench, { flags: all, env, neededMiB: 4_000 }, async (stack) => saveAll(bench, stack)),
  };
}

/** Compares the whole stack with and without traces. The collector takes every span, and reads none. */
function traced(percent: number, requiredRatio: number): Benchmark {
  return {
    name: `traces-${percent}`,
    about: `npm start with ${percent} % of the orders traced, compared with no traces, one consumer, save 0..1 s`,
    measure: async (bench) => {
      const collector = createServer((request, response) => {
        request.resume().on('end', () => response.end());
      });
      collector.listen(0, '127.0.0.1');
      await once(collector, 'listening');
      const { port } = collector.address() as AddressInfo;
      const env = {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: String(percent / 100),
      };
      const { measure } = contest({
        name: '',
        about: '',
        subject: () => [savingStack(bench, `${percent} % traced`, [], env)],
        limit: () => [savingStack(bench, 'no traces', [])],
        times: 10,
        requiredRatio,
      });
      try {
        return await measure(bench);
      } finally {
        collector.closeAllConnections();
        collector.close();
      }
    },
  };
}

async function saveAll({ quick, signal }: Bench, stack: TemporaryStack): Promise<Measurement> {
  const token = stack.context.options.isSecured ? await requestToken(stack.url('ISSUER_PORT')) : undefined;
  const client = new ProducerClient(stack.url('PRODUCER_PORT'), signal, token);
  const save = async (count: number): Promise<void> => {
    const { id } = await client.populate({ count });
    for (;;) {
      signal.throwIfAborted();
      const { status, saved } = await client.operation(id);
      if (status === 'failed') throw new Error('the operation failed');
      if (saved === count) return;
      await pause(systemClock, POLL_MS);
    }
  };
  // Until the code of all processes is compiled.
  await save(quick ? 20_000 : 30_000);
  const consumer = pidOf(stack, 'consumer-1');
  const before = await figuresOf(consumer);
  const records = quick ? 20_000 : 150_000;
  const startedAt = performance.now();
  await save(records);
  const tookMs = performance.now() - startedAt;
  const { peakRssMiB, cpuSeconds } = await figuresOf(consumer);
  // Only the end is known.
  const marks = [0, ...Array<number>(100).fill(tookMs)];
  return { records, marks, samples: [], peakRssMiB, cpuSeconds: cpuSeconds - before.cpuSeconds };
}

/** Measures the console's CPU time while it watches an idle pipeline without a client, and while it streams a busy one to a client. */
const consoleCpu: Benchmark = {
  name: 'console-cpu',
  about: 'CPU time of the console while it streams to one page, per cent of one core',
  measure: async (bench) =>
    withStack(bench, { flags: [], neededMiB: 2_000 }, async (stack) => {
      const seconds = bench.quick ? 10 : 60;
      const idle = await cpuOf(stack, 'idle, no page', seconds);
      const producer = new ProducerClient(stack.url('PRODUCER_PORT'), bench.signal);
      await producer.populate({ count: 1_000_000, ratePerSecond: 2_000 });
      const client = new AbortController();
      const { body } = await fetch(`${stack.url('CONSOLE_PORT')}/v1/pipeline/events`, { signal: client.signal });
      // Aborted at the end, which is an error for the reader.
      const reading = body?.pipeTo(new WritableStream()).catch(() => undefined);
      const streaming = await cpuOf(stack, 'streaming, busy pipeline', seconds);
      client.abort();
      await reading;
      const notes = [`idle without a page: ${idle.value.toFixed(2)} % of a core`];
      return atMost(3, { unit: '% of a core', subject: [streaming], runs: [idle, streaming], notes });
    }),
};

async function cpuOf(stack: TemporaryStack, contender: string, seconds: number): Promise<Run> {
  const pid = pidOf(stack, 'console');
  const before = await figuresOf(pid);
  await pause(systemClock, 1_000 * seconds);
  const { peakRssMiB, cpuSeconds: after } = await figuresOf(pid);
  const cpuSeconds = after - before.cpuSeconds;
  return { contender, value: (100 * cpuSeconds) / seconds, peakRssMiB, cpuSeconds };
}

const HOUR = 3_600;

/** Measures when the page has drawn an hour of history: from the start of the navigation, with an empty cache. */
const consoleFirstPaint: Benchmark = {
  name: 'console-first-paint',
  about: 'from opening the page to the chart of the recorded hour, in Chromium with an empty cache',
  measure: async (bench) => {
    const server = await ImitatedConsole.start(Math.floor(systemClock.now() / 1_000) - HOUR);
    const browser = await launchBrowser();
    try {
      server.pass(HOUR);
      const subject = await bench.repeat(5, async () => {
        const page = await browser.newPage();
        await page.goto(server.url);
        await page.waitForFunction("performance.getEntriesByName('history-drawn').length > 0");
        const value = await page.evaluate<number>("performance.getEntriesByName('history-drawn')[0].startTime");
        await page.close();
        return { contender: 'page', value, peakRssMiB: 0, cpuSeconds: 0 };
      });
      return atMost(1_000, { unit: 'ms', subject });
    } finally {
      await browser.close();
      server.stop();
    }
  },
};

export const STACK_BENCHMARKS: readonly Benchmark[] = [
  visibleLatency(50, 12),
  visibleLatency(99, 30),
  consumersAgainstOne(2, 1.9),
  consumersAgainstOne(4, 3.6),
  consumerWith(250, 0.9),
  consumerWith(2_000, 0.9),
  consumerWith(4_000, 0.9),
  // Beyond the capacity of two cores: shows where the curve flattens.
  consumerWith(8_000, null),
  consumerWith(12_000, null),
  secured,
  traced(1, 0.97),
  traced(100, 0.75),
  consoleCpu,
  consoleFirstPaint,
];
