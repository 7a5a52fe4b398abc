import { PRODUCER_HEAP } from '../../dev/supervisor/app-definitions.js';
import { WRITTEN_ORDERS_TOPIC } from '../datasets/written-orders-topic.js';
import type { Bench } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import type { Candidate } from '../harness/candidate.js';
import { compareInTurns } from '../harness/in-turns.js';
import { ratePerSecond, type Measurement } from '../harness/measurement.js';

const RECORDS = 400_000;
const QUICK_RECORDS = 60_000;
const CHUNK = 1_000;
const TIMES = 5;
const MAX_RSS_MIB = 250;
const TIMEOUT_MS = 120_000;
/** Per cent of the records, during which V8 compiles. */
const WARM_UP = 10;

/** Measures the producer app's overhead beyond sending: generating and encoding orders, one batch at a time, with crash-safe progress. */
export const emission: Benchmark = {
  name: 'emission',
  about: `the producer app's emission of one populate, compared with a loop of kafkajs sends of the same prepared records`,
  measure: async (bench) =>
    compareInTurns(
      {
        name: 'emission',
        unit: 'orders/s',
        subject: appEmission(bench),
        limit: bareSend(bench),
        times: bench.quick ? 1 : TIMES,
        requiredRatio: 0.9,
        maxRssMiB: MAX_RSS_MIB,
        notes: [
          `chunks of ${CHUNK}, acknowledged by all replicas before the next; the app with its lease and its progress in MongoDB`,
        ],
      },
      bench.print,
    ),
};

function appEmission(bench: Bench): Candidate {
  return {
    label: 'app-emission',
    run: async () =>
      bench.run('app-emission', { chunkSize: CHUNK, client: 'kafkajs' }, { ...writingRun(bench), heap: PRODUCER_HEAP }),
    valueOf: warmRate,
  };
}

/** Has the app's young heap, and no limit for the old one, since it holds all records at once. */
function bareSend(bench: Bench): Candidate {
  return {
    label: 'bare-send',
    run: async () =>
      bench.run(
        'bare-send',
        { recordsPerSend: CHUNK },
        { ...writingRun(bench), heap: { youngMiB: PRODUCER_HEAP.youngMiB } },
      ),
    valueOf: warmRate,
  };
}

function writingRun(bench: Bench) {
  const records = bench.quick ? QUICK_RECORDS : RECORDS;
  return { dataset: WRITTEN_ORDERS_TOPIC, records, emits: true, timeoutMs: TIMEOUT_MS };
}

function warmRate(measurement: Measurement): number {
  return ratePerSecond(measurement, WARM_UP, 100);
}
