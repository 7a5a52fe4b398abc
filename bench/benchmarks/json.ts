import type { ContenderParameters, InFlight, SaveMs } from '../contenders/job.js';
import { PARTITIONS } from '../datasets/dataset.js';
import { jsonOrdersDataset } from '../datasets/json-orders-dataset.js';
import type { Bench, RunOptions } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import { findBest, type Candidate } from '../harness/candidate.js';
import type { Heap } from '../../dev/supervisor/app-process.js';
import { largeFetch } from '../harness/fetch-size.js';
import { compareInTurns } from '../harness/in-turns.js';
import { ratePerSecond, type Measurement } from '../harness/measurement.js';

const TIMES = 3;
const RECORDS = 1_000_000;
const QUICK_RECORDS = 100_000;
/** Enough to compare settings. */
const SEARCH_RECORDS = 400_000;
const ACCOUNTS = 100_000;
const FEW_KEYS = 1_000;
const TIMEOUT_MS = 240_000;
/** The engine may take half of the plain loop's memory. */
const MAX_RSS_SHARE = 0.5;
/** Half of a consumer's young generation and of its growth between full collections. The plain loop has its usual heap. */
const SMALL_HEAP: Heap = { youngMiB: 16, growthPercent: 50 };
const NO_WAIT: SaveMs = { minimum: 0, maximum: 0 };

/** Measures the engine as an adopter uses it: JSON, one `insertMany` for a batch, no schema registry. */
export const jsonSave = againstPlain({
  name: 'json-save',
  about: 'JSON orders into MongoDB after a wait of 0..1 s, compared with the best plain eachBatch loop',
  saveMs: { minimum: 0, maximum: 1_000 },
  /** As many as fit into half of the loop's memory: 40,000 save twice as much as the loop, in two thirds of its memory. */
  inFlight: [22_000],
});

/** The same without the wait. */
export const jsonNoSave = againstPlain({
  name: 'json-no-save',
  about: 'JSON orders into MongoDB without a wait, compared with the best plain eachBatch loop',
  saveMs: NO_WAIT,
  /** Two batches. Records that wait for a third one are copied by the garbage collector: 8,000 cost a quarter more CPU. */
  inFlight: [4_000],
});

/** What the order of few keys costs when batches may hold several records of a key. */
export const jsonKeys: Benchmark = {
  name: `json-key-${FEW_KEYS}`,
  about: `JSON orders without a wait in order by ${FEW_KEYS} keys, compared with unordered`,
  measure: async (bench) => {
    // For three batches: two are written at once, and the next one is filled before an ended one frees its place.
    const inFlight = 6_000;
    const contender = (ordering: 'key' | 'unordered') =>
      engine(bench, { inFlight, saveMs: NO_WAIT, ordering }, FEW_KEYS);
    const contest = {
      name: `json-key-${FEW_KEYS}`,
      unit: 'orders/s',
      subject: contender('key'),
      limit: contender('unordered'),
    };
    return compareInTurns({ ...contest, times: bench.quick ? 1 : TIMES, requiredRatio: 0.8 }, bench.print);
  },
};

interface AgainstPlain {
  readonly name: string;
  readonly about: string;
  readonly saveMs: SaveMs;
  /** In-flight limits to try. */
  readonly inFlight: readonly InFlight[];
}

function againstPlain({ name, about, saveMs, inFlight }: AgainstPlain): Benchmark {
  return {
    name,
    about,
    measure: async (bench) => {
      const limits = inFlight.map((limit) =>
        engine(bench, { inFlight: limit, saveMs, ordering: 'unordered' }, ACCOUNTS),
      );
      const engines = await findBest(bench.searched(limits), bench.print);
      const loops = await findBest(
        bench.searched([1, 3, PARTITIONS].map((at) => plain(bench, at, saveMs))),
        bench.print,
      );
      const contest = {
        name,
        unit: 'orders/s',
        subject: engines.best,
        limit: loops.best,
        times: bench.quick ? 1 : TIMES,
        requiredRatio: 1.1,
        maxRssShare: MAX_RSS_SHARE,
        before: [...engines.runs, ...loops.runs],
      };
      return compareInTurns(contest, bench.print);
    },
  };
}

function engine(bench: Bench, parameters: ContenderParameters['json-engine'], keys: number): Candidate {
  const { inFlight, ordering } = parameters;
  return {
    label: `json-engine, ${ordering}, ${inFlight} in flight`,
    run: async (purpose) => bench.run('json-engine', parameters, { ...runOf(bench, purpose, keys), heap: SMALL_HEAP }),
    valueOf: wholeRate,
  };
}

function plain(bench: Bench, partitionsConsumedConcurrently: number, saveMs: SaveMs): Candidate {
  const fetch = largeFetch(partitionsConsumedConcurrently);
  return {
    label: `json-plain, ${partitionsConsumedConcurrently} partitions at once`,
    run: async (purpose) =>
      bench.run('json-plain', { partitionsConsumedConcurrently, fetch, saveMs }, runOf(bench, purpose, ACCOUNTS)),
    valueOf: wholeRate,
  };
}

function runOf(bench: Bench, purpose: 'search' | 'figure', keys: number): Omit<RunOptions, 'heap'> {
  const records = bench.quick ? QUICK_RECORDS : RECORDS;
  return {
    dataset: jsonOrdersDataset(records, keys),
    records: purpose === 'search' ? Math.min(SEARCH_RECORDS, records) : records,
    saves: 'jsonOrders',
    timeoutMs: TIMEOUT_MS,
  };
}

function wholeRate(measurement: Measurement): number {
  return ratePerSecond(measurement, 0, 100);
}
