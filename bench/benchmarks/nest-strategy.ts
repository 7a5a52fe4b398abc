import { ordersDataset } from '../datasets/orders-dataset.js';
import type { Bench } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import type { Candidate } from '../harness/candidate.js';
import { heapFor } from '../harness/consumer-heap.js';
import { compareInTurns } from '../harness/in-turns.js';
import { ratePerSecond } from '../harness/measurement.js';

const TIMES = 5;
const IN_FLIGHT = 2_000;
const TIMEOUT_MS = 120_000;
/** Per cent of the records, during which V8 compiles. */
const WARM_UP = 10;
const NO_WAIT = { minimum: 0, maximum: 0 };

/** Measures the overhead of NestJS: the same real write without a wait, with the strategy and with the engine alone. */
export const nestStrategy: Benchmark = {
  name: 'nest-strategy',
  about: 'the NestJS strategy, compared with the engine alone, with the real write and without a wait',
  measure: async (bench) =>
    compareInTurns(
      {
        name: 'nest-strategy',
        unit: 'orders/s',
        subject: candidate(bench, 'nest-save'),
        limit: candidate(bench, 'engine-save'),
        times: bench.quick ? 1 : TIMES,
        requiredRatio: 0.85,
      },
      bench.print,
    ),
};

function candidate(bench: Bench, contender: 'nest-save' | 'engine-save'): Candidate {
  const dataset = ordersDataset(bench.quick ? 60_000 : 400_000);
  const records = bench.quick ? 40_000 : 200_000;
  const options = { dataset, records, saves: 'orders' as const, heap: heapFor(IN_FLIGHT), timeoutMs: TIMEOUT_MS };
  return {
    label: `${contender}, ${IN_FLIGHT} in flight`,
    run: async () => bench.run(contender, { inFlight: IN_FLIGHT, saveMs: NO_WAIT }, options),
    valueOf: (measurement) => ratePerSecond(measurement, WARM_UP, 100),
  };
}
