import { PRODUCER_HEAP } from '../dev/supervisor/app-definitions.js';
import type { Heap } from '../dev/supervisor/apps.js';
import { type Bench, type Benchmark, heapFor, type RunOptions } from './bench.js';
import type { ContenderName, ContenderParameters, InFlight, KafkaClient, SaveMs } from './contenders/job.js';
import { type Candidate, type Contest, contest, type Purpose } from './contest.js';
import {
  type Dataset,
  evenAccountsDataset,
  jsonOrdersDataset,
  ordersDataset,
  poisonedOrdersDataset,
  smallDataset,
  smallKey,
  WRITTEN_ORDERS_TOPIC,
} from './datasets.js';
import { type FetchSize, largeFetch, PARTITIONS, SMALL_FETCH } from './kafka.js';
import { flatnessOf, ratePerSecond, runOf } from './measurement.js';
import { atMost, comparedWith, isNoisy, measured, median, valuesOf } from './result.js';

// The engine against what bounds it: theory, plain kafkajs, and the database.

const NO_WAIT: SaveMs = { minimum: 0, maximum: 0 };
const UP_TO_A_SECOND: SaveMs = { minimum: 0, maximum: 1_000 };
const MEAN_SAVE_SECONDS = 0.5;

/** Makes a candidate from the options of a run. @param options may depend on the purpose */
function candidate<N extends ContenderName>(
  bench: Bench,
  contender: N,
  parameters: ContenderParameters[N],
  options: RunOptions | ((purpose: Purpose) => RunOptions),
  label: string = contender,
): Candidate {
  const optionsFor = typeof options === 'function' ? options : () => options;
  return { label, run: async (purpose) => bench.run(contender, parameters, optionsFor(purpose)) };
}

/** Duration of a run at its limit: its steady middle, 10 % to 70 % of the records, then takes more than 15 s. */
const BOUND_SECONDS = 26;
const QUICK_BOUND_SECONDS = 6;
const BOUND_TIMES = 2;

interface Bound extends Pick<Benchmark, 'name' | 'about'> {
  readonly inFlight: number;
  /** Theoretical maximum in records per second. */
  readonly limit: number;
  readonly dataset: (records: number) => Dataset;
}

function boundBenchmark({ name, about, inFlight, limit, dataset }: Bound): Benchmark {
  return {
    name,
    about,
    measure: async (bench) => {
      const records = limit * (bench.quick ? QUICK_BOUND_SECONDS : BOUND_SECONDS);
      const options = { dataset: dataset(records), heap: heapFor(inFlight), timeoutMs: 3_000 * BOUND_SECONDS };
      const wholes: number[] = [];
      const subject = await bench.repeat(BOUND_TIMES, async () => {
        const found = await bench.run('engine-wait', { inFlight, saveMs: UP_TO_A_SECOND }, options);
        wholes.push(ratePerSecond(found, 0, 100));
        const run = runOf('engine-wait', ratePerSecond(found, 10, 70), found);
        bench.print(`  ${Math.round(run.value)}/s in the steady middle`);
        return run;
      });
      const limits = subject.map(() => limit);
      const noisy = isNoisy(valuesOf(subject));
      const note =
        `the value is the steady middle, 10 % to 70 % of ${records} records; the whole run, including start and end: ` +
        `${Math.round(median(wholes))}/s`;
      return comparedWith(limits, { unit: 'records/s', subject, requiredRatio: 0.9, noisy, notes: [note] });
    },
  };
}

/** Concurrent waits: at most `inFlight / mean wait` can end per second. */
function windowOf(inFlight: number): Benchmark {
  return boundBenchmark({
    name: `window-${inFlight}`,
    about: `${inFlight} concurrent waits of 0..1 s, in order per account (100,000 accounts), compared with ${inFlight} / 0.5 s`,
    inFlight,
    limit: inFlight / MEAN_SAVE_SECONDS,
    dataset: ordersDataset,
  });
}

const FEW_KEYS = 1_000;

/** Few keys: at most `keys / mean wait` can end per second, and only if every key always has work. */
const fewKeys = boundBenchmark({
  name: `key-${FEW_KEYS}`,
  about: `waits of 0..1 s in order per account (${FEW_KEYS} accounts), compared with ${FEW_KEYS} / 0.5 s`,
  inFlight: 5_000,
  limit: FEW_KEYS / MEAN_SAVE_SECONDS,
  dataset: (records) => evenAccountsDataset(records, FEW_KEYS),
});

/** The best of these numbers of partitions at once is the plain loop's rate. */
const PARTITIONS_AT_ONCE = [1, 3, PARTITIONS];
const SAVED_TIMEOUT_MS = 240_000;

interface AgainstPlain extends Pick<Benchmark, 'name' | 'about'> {
  readonly saveMs: SaveMs;
  /** In-flight limits to try. */
  readonly inFlight: readonly InFlight[];
}

/**
 * Additional records, so that the last seconds are not measured: with order per key, a run ends with the longest chain of one key, a few
 * records that wait for each other while everything else is idle.
 */
const BEYOND = 60_000;
/** Enough to compare settings. */
const SEARCHED_ORDERS = 300_000;

function saving({ quick }: Bench, purpose: Purpose): RunOptions {
  const measuredRecords = quick ? 60_000 : 400_000;
  const records = purpose === 'search' ? Math.min(SEARCHED_ORDERS, measuredRecords) : measuredRecords;
  const dataset = ordersDataset(measuredRecords + BEYOND);
  return { dataset, records, saves: 'orders', timeoutMs: SAVED_TIMEOUT_MS };
}

/** Measures the consumer app's whole path into MongoDB. The whole run counts: the plain loop alternates between waiting and writing. */
function pipeline({ name, about, saveMs, inFlight }: AgainstPlain): Benchmark {
  return contest({
    name,
    about,
    subject: (bench) =>
      inFlight.map((limit) => {
        const options = (purpose: Purpose) => ({ ...saving(bench, purpose), heap: heapFor(limit) });
        const label = `engine-save, ${limit} in flight`;
        return candidate(bench, 'engine-save', { inFlight: limit, saveMs }, options, label);
      }),
    // Each fetch has 8 MiB, shared by the partitions that are consumed concurrently: records of other partitions would only wait.
    limit: (bench) =>
      PARTITIONS_AT_ONCE.map((partitionsConsumedConcurrently) => {
        const fetch = largeFetch(partitionsConsumedConcurrently);
        const label = `plain-save, ${partitionsConsumedConcurrently} partitions at once`;
        const options = (purpose: Purpose) => saving(bench, purpose);
        return candidate(bench, 'plain-save', { partitionsConsumedConcurrently, fetch, saveMs }, options, label);
      }),
    times: 3,
    requiredRatio: 0.9,
    maxRssMiB: 400,
  });
}

/** Half of a consumer's young generation and of its growth between full collections. The plain loop has its usual heap. */
const SMALL_HEAP: Heap = { youngMiB: 16, growthPercent: 50 };
const JSON_ACCOUNTS = 100_000;
const SEARCHED_JSON_ORDERS = 400_000;

function savingJson({ quick }: Bench, keys: number): (purpose: Purpose) => RunOptions {
  const records = quick ? 100_000 : 1_000_000;
  const dataset = jsonOrdersDataset(records, keys);
  return (purpose) => ({
    dataset,
    records: purpose === 'search' ? Math.min(SEARCHED_JSON_ORDERS, records) : records,
    saves: 'jsonOrders',
    timeoutMs: SAVED_TIMEOUT_MS,
  });
}

function jsonEngine(bench: Bench, parameters: ContenderParameters['json-engine'], keys: number): Candidate {
  const { inFlight, ordering } = parameters;
  const json = savingJson(bench, keys);
  const options = (purpose: Purpose) => ({ ...json(purpose), heap: SMALL_HEAP });
  return candidate(bench, 'json-engine', parameters, options, `json-engine, ${ordering}, ${inFlight} in flight`);
}

/** Measures the engine as an adopter uses it: JSON, one `insertMany` for a batch, no schema registry, and half of the loop's memory. */
function jsonAgainstPlain({ name, about, saveMs, inFlight }: AgainstPlain): Benchmark {
  return contest({
    name,
    about,
    subject: (bench) =>
      inFlight.map((limit) => jsonEngine(bench, { inFlight: limit, saveMs, ordering: 'unordered' }, JSON_ACCOUNTS)),
    limit: (bench) =>
      PARTITIONS_AT_ONCE.map((partitionsConsumedConcurrently) => {
        const parameters = {
          partitionsConsumedConcurrently,
          fetch: largeFetch(partitionsConsumedConcurrently),
          saveMs,
        };
        const label = `json-plain, ${partitionsConsumedConcurrently} partitions at once`;
        return candidate(bench, 'json-plain', parameters, savingJson(bench, JSON_ACCOUNTS), label);
      }),
    times: 3,
    requiredRatio: 1.1,
    maxRssShare: 0.5,
  });
}

/** What the order of few keys costs when batches may hold several records of a key. */
const jsonKeys = contest({
  name: `json-key-${FEW_KEYS}`,
  about: `JSON orders without a wait in order by ${FEW_KEYS} keys, compared with unordered`,
  // In flight for three batches: two are written at once, and the next one is filled before an ended one frees its place.
  subject: (bench) => [jsonEngine(bench, { inFlight: 6_000, saveMs: NO_WAIT, ordering: 'key' }, FEW_KEYS)],
  limit: (bench) => [jsonEngine(bench, { inFlight: 6_000, saveMs: NO_WAIT, ordering: 'unordered' }, FEW_KEYS)],
  times: 3,
  requiredRatio: 0.8,
});

/** Measures the overhead of NestJS as the consumer app uses it: the same real write without a wait. */
function nestBenchmark(
  handledBy: 'option' | 'method',
  row: Pick<Contest, 'name' | 'about' | 'requiredRatio'>,
): Benchmark {
  const parameters = { inFlight: 2_000, saveMs: NO_WAIT };
  const options = ({ quick }: Bench): RunOptions => ({
    dataset: ordersDataset(quick ? 60_000 : 400_000),
    records: quick ? 40_000 : 200_000,
    saves: 'orders',
    heap: heapFor(parameters.inFlight),
    timeoutMs: 120_000,
  });
  return contest({
    ...row,
    subject: (bench) => [candidate(bench, 'nest-save', { ...parameters, handledBy }, options(bench))],
    limit: (bench) => [candidate(bench, 'engine-save', parameters, options(bench))],
    times: 5,
    warmUp: 10,
  });
}

/** For comparison only: NestJS's Kafka transport. @param records take about ten seconds */
function oneAtATime(name: string, about: string, saveMs: SaveMs, records: number): Benchmark {
  return {
    name,
    about,
    measure: async (bench) => {
      const dataset = ordersDataset(bench.quick ? 60_000 : 400_000);
      const sample = bench.quick ? records / 5 : records;
      const options = { dataset, records: sample, saves: 'orders', timeoutMs: 60_000 } as const;
      const found = await bench.run('one-at-a-time', { saveMs }, options);
      const subject = [runOf('one-at-a-time', ratePerSecond(found, 0, 100), found)];
      return measured({ unit: 'orders/s', subject, notes: [`a sample of ${sample} orders`] });
    },
  };
}

const NO_OP_IN_FLIGHT = 1_000;

function noOpRun(records: number): RunOptions {
  return { dataset: ordersDataset(records), heap: heapFor(NO_OP_IN_FLIGHT), timeoutMs: 120_000 };
}

/** Measures the overhead of the engine: key ordering, in-flight limit, offset tracking, commits. Both have the heap of the consumer app. */
const engineOverhead = contest({
  name: 'engine-overhead',
  about: 'a handler that does nothing, compared with a bare eachBatch loop that awaits it for each message',
  unit: 'records/s',
  subject: (bench) =>
    fetchesOf((fetch, name) =>
      (['auto', NO_OP_IN_FLIGHT] as const).map((inFlight) => {
        const label = `engine-no-op, ${inFlight} in flight, fetches of ${name}`;
        const options = noOpRun(bench.quick ? 200_000 : 1_000_000);
        return candidate(bench, 'engine-no-op', { inFlight, fetch, client: 'kafkajs' }, options, label);
      }),
    ),
  limit: (bench) =>
    fetchesOf((fetch, name) => {
      const options = noOpRun(bench.quick ? 200_000 : 1_000_000);
      return [candidate(bench, 'bare-loop', { fetch }, options, `bare-loop, fetches of ${name}`)];
    }),
  times: 5,
  // A run takes a few seconds: a single run that other load has slowed must not decide.
  rounds: 2,
  warmUp: 10,
  requiredRatio: 1,
});

function fetchesOf(candidates: (fetch: FetchSize, name: string) => Candidate[]): Candidate[] {
  const fetches = {
    '2 MiB': SMALL_FETCH,
    '8 MiB of one partition': largeFetch(1),
    '8 MiB of all partitions': largeFetch(PARTITIONS),
  };
  return Object.entries(fetches).flatMap(([name, fetch]) => candidates(fetch, name));
}

const POISON_EVERY = 10;

/** Measures how poison slows down good orders: each poison record fails and is published to the dead-letter topic. */
const poison = contest({
  name: 'poison',
  about: 'good orders into MongoDB while one record in ten is poison, compared with no poison',
  subject: (bench) => {
    const records = bench.quick ? 100_000 : 400_000;
    const dataset = poisonedOrdersDataset(records, POISON_EVERY);
    return [goodOrders(bench, 'one record in ten is poison', dataset, records - records / POISON_EVERY)];
  },
  limit: (bench) => {
    const records = bench.quick ? 100_000 : 400_000;
    return [goodOrders(bench, 'no poison', ordersDataset(records), records)];
  },
  times: 3,
  requiredRatio: 0.8,
});

function goodOrders(bench: Bench, label: string, dataset: Dataset, records: number): Candidate {
  const inFlight = 12_000;
  const run = { dataset, records, saves: 'orders', timeoutMs: SAVED_TIMEOUT_MS, heap: heapFor(inFlight) } as const;
  const parameters = { inFlight, saveMs: UP_TO_A_SECOND };
  return candidate(bench, 'engine-save', parameters, run, `engine-save, ${inFlight} in flight, ${label}`);
}

const CHUNK = 1_000;

/** @param records per run: sent to an empty topic */
function writingRun(records: number, heap: Heap): RunOptions {
  return { dataset: WRITTEN_ORDERS_TOPIC, records, emits: true, timeoutMs: 120_000, heap };
}

function appEmission(bench: Bench, records: number, client: KafkaClient, label: string): Candidate {
  const parameters = { chunkSize: CHUNK, client };
  return candidate(bench, 'app-emission', parameters, writingRun(records, PRODUCER_HEAP), label);
}

/** Measures the producer app's overhead beyond sending: generating and encoding orders, one batch at a time, with crash-safe progress. */
const emission = contest({
  name: 'emission',
  about: `the producer app's emission of one populate, compared with a loop of kafkajs sends of the same prepared records`,
  subject: (bench) => [appEmission(bench, bench.quick ? 60_000 : 400_000, 'kafkajs', 'app-emission')],
  // Has the app's young heap, and no limit for the old one, since it holds all records at once.
  limit: (bench) => {
    const options = writingRun(bench.quick ? 60_000 : 400_000, { youngMiB: PRODUCER_HEAP.youngMiB });
    return [candidate(bench, 'bare-send', { recordsPerSend: CHUNK }, options)];
  },
  times: 5,
  warmUp: 10,
  requiredRatio: 0.9,
  maxRssMiB: 250,
  notes: [
    `chunks of ${CHUNK}, acknowledged by all replicas before the next; the app with its lease and its progress in MongoDB`,
  ],
});

/** Compares the two client libraries below the engine. */
function clients(
  row: Pick<Contest, 'name' | 'about' | 'requiredRatio'>,
  candidateOf: (bench: Bench, client: KafkaClient) => Candidate,
): Benchmark {
  return contest({
    ...row,
    unit: 'records/s',
    subject: (bench) => [candidateOf(bench, 'platformatic')],
    limit: (bench) => [candidateOf(bench, 'kafkajs')],
    times: 5,
    warmUp: 10,
  });
}

const STALLED_IN_FLIGHT = 1_000;
/** Highest sample allowed, relative to the base. */
const STALLED_LIMIT = 1.1;
/** Time without a completed record after which the run ends, since the stalled key never completes. */
const STILL_MS = 10_000;

/**
 * Measures memory over a long run while the first record of one key never completes. Its partition may pause, at its limit of uncommitted
 * offsets or at its share of the buffered records; the other partitions must continue. The in-flight limit is fixed, because the memory
 * limit is a multiple of it.
 */
const memoryStalledKey: Benchmark = {
  name: 'memory-stalled-key',
  about: 'highest memory while one key stalls, compared with the first seconds after a tenth of the records',
  measure: async (bench) => {
    const dataset = smallDataset(bench.quick ? 300_000 : 3_000_000);
    const parameters = { inFlight: STALLED_IN_FLIGHT, stalledKey: smallKey(0), stillMs: STILL_MS };
    const options = { dataset, heap: heapFor(STALLED_IN_FLIGHT), timeoutMs: 240_000 };
    const found = await bench.run('engine-stalled-key', parameters, options);
    const others = Math.floor((dataset.records / PARTITIONS) * (PARTITIONS - 1));
    const wasBlocked = found.records < others;
    const { base, highest, lowest } = flatnessOf(found.samples, wasBlocked ? 0 : 0.1 * dataset.records);
    const rssMiB = found.samples.map((sample) => Math.round(sample.rssMiB));
    const outcome = atMost(STALLED_LIMIT, {
      unit: 'highest / base',
      subject: [{ ...runOf('engine-stalled-key', highest / base, found), rssMiB }],
      notes: [
        `${found.records} of ${dataset.records} records completed; the ${PARTITIONS - 1} partitions without the stalled key have ${others}`,
        `MiB after the warm-up: ${[base, lowest, highest].map(Math.round).join(', ')} (base, lowest, highest)`,
        ...(wasBlocked ? ['missed because the stalled key blocked other partitions'] : []),
      ],
    });
    return wasBlocked ? { ...outcome, ratio: 0 } : outcome;
  },
};

export const ENGINE_BENCHMARKS: readonly Benchmark[] = [
  windowOf(100),
  windowOf(1_000),
  windowOf(5_000),
  fewKeys,
  pipeline({
    name: 'pipeline-save',
    about: 'orders into MongoDB after a wait of 0..1 s, compared with the best plain eachBatch loop',
    saveMs: UP_TO_A_SECOND,
    inFlight: [8_000, 16_000, 'auto'],
  }),
  pipeline({
    name: 'pipeline-no-save',
    about: 'orders into MongoDB without a wait, compared with the best plain eachBatch loop',
    saveMs: NO_WAIT,
    inFlight: [4_000, 8_000, 'auto'],
  }),
  jsonAgainstPlain({
    name: 'json-save',
    about: 'JSON orders into MongoDB after a wait of 0..1 s, compared with the best plain eachBatch loop',
    saveMs: UP_TO_A_SECOND,
    // As many as fit into half of the loop's memory: 40,000 save twice as much as the loop, in two thirds of its memory.
    inFlight: [22_000],
  }),
  jsonAgainstPlain({
    name: 'json-no-save',
    about: 'JSON orders into MongoDB without a wait, compared with the best plain eachBatch loop',
    saveMs: NO_WAIT,
    // Two batches. Records that wait for a third one are copied by the garbage collector: 8,000 cost a quarter more CPU.
    inFlight: [4_000],
  }),
  jsonKeys,
  nestBenchmark('option', {
    name: 'nest-strategy',
    about:
      'the NestJS strategy by its handler option, compared with the engine alone, with the real write and without a wait',
    requiredRatio: 0.95,
  }),
  // Nest's pipeline runs for each record.
  nestBenchmark('method', {
    name: 'nest-strategy-method',
    about: 'the same by an @EventPattern method',
    requiredRatio: 0.85,
  }),
  oneAtATime(
    'one-at-a-time-save',
    'one order at a time per partition, each with a wait of 0..1 s and an insertOne; for comparison',
    UP_TO_A_SECOND,
    300,
  ),
  oneAtATime(
    'one-at-a-time-no-save',
    'one order at a time per partition, each with an insertOne; for comparison',
    NO_WAIT,
    20_000,
  ),
  engineOverhead,
  poison,
  emission,
  clients(
    {
      name: 'clients-consumer',
      about:
        'the engine with a handler that does nothing over @platformatic/kafka, compared with the same over kafkajs',
      requiredRatio: 1.3,
    },
    (bench, client) => {
      const parameters = { inFlight: NO_OP_IN_FLIGHT, fetch: SMALL_FETCH, client };
      const options = noOpRun(bench.quick ? 100_000 : 1_000_000);
      return candidate(bench, 'engine-no-op', parameters, options, `engine over ${client}`);
    },
  ),
  clients(
    {
      name: 'clients-producer',
      about: 'the emission of one populate over @platformatic/kafka, compared with the same over kafkajs',
      requiredRatio: 1.5,
    },
    (bench, client) => appEmission(bench, bench.quick ? 100_000 : 400_000, client, `emission over ${client}`),
  ),
  memoryStalledKey,
];
