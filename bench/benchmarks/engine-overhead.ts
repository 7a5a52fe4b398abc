import { ordersDataset } from '../datasets/orders-dataset.js';
import type { InFlight } from '../contenders/job.js';
import type { Bench, RunOptions } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import { findBest, type Candidate } from '../harness/candidate.js';
import { largeFetch, SMALL_FETCH } from '../harness/fetch-size.js';
import { compareInTurns } from '../harness/in-turns.js';
import { heapFor } from '../harness/consumer-heap.js';
import { ratePerSecond, type Measurement } from '../harness/measurement.js';
import { PARTITIONS } from '../datasets/dataset.js';

const FETCHES = {
  '2 MiB': SMALL_FETCH,
  '8 MiB of one partition': largeFetch(1),
  '8 MiB of all partitions': largeFetch(PARTITIONS),
};
const IN_FLIGHT = 1_000;
const TIMES = 5;
/** A run takes a few seconds: a single run that other load has slowed must not decide. */
const SEARCH = { rounds: 2 };
/** Per cent of the records, during which V8 compiles. */
const WARM_UP = 10;

/** Measures the overhead of the engine: key ordering, in-flight limit, offset tracking, commits. */
export const engineOverhead: Benchmark = {
  name: 'engine-overhead',
  about: 'a handler that does nothing, compared with a bare eachBatch loop that awaits it for each message',
  measure: async (bench) => {
    const engines = await findBest(bench.searched(engineCandidates(bench)), bench.print, SEARCH);
    const loops = await findBest(bench.searched(loopCandidates(bench)), bench.print, SEARCH);
    const contest = {
      name: 'engine-overhead',
      unit: 'records/s',
      subject: engines.best,
      limit: loops.best,
      times: bench.quick ? 1 : TIMES,
      requiredRatio: 1,
      before: [...engines.runs, ...loops.runs],
    };
    return compareInTurns(contest, bench.print);
  },
};

function engineCandidates(bench: Bench): Candidate[] {
  const limits: readonly InFlight[] = ['auto', IN_FLIGHT];
  return Object.entries(FETCHES).flatMap(([name, fetch]) =>
    limits.map((inFlight) => ({
      label: `engine-no-op, ${inFlight} in flight, fetches of ${name}`,
      run: async () => bench.run('engine-no-op', { inFlight, fetch, client: 'kafkajs' }, optionsOf(bench)),
      valueOf: warmRate,
    })),
  );
}

function loopCandidates(bench: Bench): Candidate[] {
  return Object.entries(FETCHES).map(([name, fetch]) => ({
    label: `bare-loop, fetches of ${name}`,
    run: async () => bench.run('bare-loop', { fetch }, optionsOf(bench)),
    valueOf: warmRate,
  }));
}

/** Both contenders have the heap of the consumer app. */
function optionsOf(bench: Bench): RunOptions {
  const dataset = ordersDataset(bench.quick ? 200_000 : 1_000_000);
  return { dataset, heap: heapFor(IN_FLIGHT), timeoutMs: 120_000 };
}

function warmRate(measurement: Measurement): number {
  return ratePerSecond(measurement, WARM_UP, 100);
}
