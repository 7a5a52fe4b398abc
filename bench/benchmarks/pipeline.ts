import type { InFlight, SaveMs } from '../contenders/job.js';
import { PARTITIONS } from '../datasets/dataset.js';
import { ordersDataset } from '../datasets/orders-dataset.js';
import type { Bench, RunOptions } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import { findBest, type Candidate, type Purpose } from '../harness/candidate.js';
import { largeFetch } from '../harness/fetch-size.js';
import { compareInTurns } from '../harness/in-turns.js';
import { heapFor } from '../harness/consumer-heap.js';
import { ratePerSecond, type Measurement } from '../harness/measurement.js';

const TIMES = 3;
const RECORDS = 400_000;
const QUICK_RECORDS = 60_000;
/**
 * Additional records, so that the last seconds are not measured: with order per key, a run ends with the longest chain of one key, a few
 * records that wait for each other while everything else is idle.
 */
const BEYOND = 60_000;
/** Enough to compare settings. */
const SEARCH_RECORDS = 300_000;
const MAX_RSS_MIB = 400;
const TIMEOUT_MS = 240_000;

interface PipelineOptions {
  readonly name: string;
  readonly about: string;
  readonly saveMs: SaveMs;
  /** In-flight limits to try. */
  readonly inFlight: readonly InFlight[];
}

/** Measures the consumer app's whole path into MongoDB, with the simulated slow save. */
export const pipelineSave = pipelineBenchmark({
  name: 'pipeline-save',
  about: 'orders into MongoDB after a wait of 0..1 s, compared with the best plain eachBatch loop',
  saveMs: { minimum: 0, maximum: 1_000 },
  inFlight: [8_000, 16_000, 'auto'],
});

/** The same without the wait. */
export const pipelineNoSave = pipelineBenchmark({
  name: 'pipeline-no-save',
  about: 'orders into MongoDB without a wait, compared with the best plain eachBatch loop',
  saveMs: { minimum: 0, maximum: 0 },
  inFlight: [4_000, 8_000, 'auto'],
});

function pipelineBenchmark({ name, about, saveMs, inFlight }: PipelineOptions): Benchmark {
  return {
    name,
    about,
    measure: async (bench) => {
      const engines = await findBest(bench.searched(engineCandidates(bench, saveMs, inFlight)), bench.print, {
        maxRssMiB: MAX_RSS_MIB,
      });
      const loops = await findBest(bench.searched(plainCandidates(bench, saveMs)), bench.print);
      const contest = {
        name,
        unit: 'orders/s',
        subject: engines.best,
        limit: loops.best,
        times: bench.quick ? 1 : TIMES,
        requiredRatio: 0.9,
        maxRssMiB: MAX_RSS_MIB,
        before: [...engines.runs, ...loops.runs],
      };
      return compareInTurns(contest, bench.print);
    },
  };
}

function engineCandidates(bench: Bench, saveMs: SaveMs, limits: readonly InFlight[]): Candidate[] {
  return limits.map((inFlight) => ({
    label: `engine-save, ${inFlight} in flight`,
    run: async (purpose) => {
      const heap = heapFor(inFlight);
      return bench.run('engine-save', { inFlight, saveMs }, { ...savingRun(bench, purpose), heap });
    },
    valueOf: wholeRate,
  }));
}

/** Each fetch has 8 MiB, shared by the partitions that are consumed concurrently: records of other partitions would only wait. */
function plainCandidates(bench: Bench, saveMs: SaveMs): Candidate[] {
  return [1, 3, PARTITIONS].map((partitionsConsumedConcurrently) => ({
    label: `plain-save, ${partitionsConsumedConcurrently} partitions at once`,
    run: async (purpose) => {
      const fetch = largeFetch(partitionsConsumedConcurrently);
      return bench.run('plain-save', { partitionsConsumedConcurrently, fetch, saveMs }, savingRun(bench, purpose));
    },
    valueOf: wholeRate,
  }));
}

function savingRun(bench: Bench, purpose: Purpose): Omit<RunOptions, 'heap'> {
  const measured = bench.quick ? QUICK_RECORDS : RECORDS;
  const dataset = ordersDataset(measured + BEYOND);
  const records = purpose === 'search' ? Math.min(SEARCH_RECORDS, measured) : measured;
  return { dataset, records, saves: 'orders', timeoutMs: TIMEOUT_MS };
}

/** Uses the whole run: the plain loop alternates between waiting and writing and has no steady middle. */
function wholeRate(measurement: Measurement): number {
  return ratePerSecond(measurement, 0, 100);
}
