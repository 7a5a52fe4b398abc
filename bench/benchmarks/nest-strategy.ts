import { ordersDataset } from '../datasets/orders-dataset.js';
import type { Bench, RunOptions } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import type { Candidate } from '../harness/candidate.js';
import { heapFor } from '../harness/consumer-heap.js';
import { compareInTurns } from '../harness/in-turns.js';
import { ratePerSecond } from '../harness/measurement.js';

const TIMES = 5;
const PARAMETERS = { inFlight: 2_000, saveMs: { minimum: 0, maximum: 0 } } as const;
const TIMEOUT_MS = 120_000;
/** Per cent of the records, during which V8 compiles. */
const WARM_UP = 10;

/** Measures the overhead of NestJS as the consumer app uses it: the same real write without a wait, by the `handler` option. */
export const nestStrategy = nestBenchmark('option', {
  name: 'nest-strategy',
  about:
    'the NestJS strategy by its handler option, compared with the engine alone, with the real write and without a wait',
  requiredRatio: 0.95,
});

/** The same by a method of a controller: Nest's pipeline runs for each record. */
export const nestStrategyMethod = nestBenchmark('method', {
  name: 'nest-strategy-method',
  about: 'the same by an @EventPattern method',
  requiredRatio: 0.85,
});

function nestBenchmark(
  handledBy: 'option' | 'method',
  { name, about, requiredRatio }: Pick<Benchmark, 'name' | 'about'> & { readonly requiredRatio: number },
): Benchmark {
  return {
    name,
    about,
    measure: async (bench) => {
      const runs = runOptions(bench);
      return compareInTurns(
        {
          name,
          unit: 'orders/s',
          subject: candidate('nest-save', async () => bench.run('nest-save', { ...PARAMETERS, handledBy }, runs)),
          limit: candidate('engine-save', async () => bench.run('engine-save', PARAMETERS, runs)),
          times: bench.quick ? 1 : TIMES,
          requiredRatio,
        },
        bench.print,
      );
    },
  };
}

function runOptions({ quick }: Bench): RunOptions {
  const dataset = ordersDataset(quick ? 60_000 : 400_000);
  const records = quick ? 40_000 : 200_000;
  return { dataset, records, saves: 'orders', heap: heapFor(PARAMETERS.inFlight), timeoutMs: TIMEOUT_MS };
}

function candidate(contender: string, run: Candidate['run']): Candidate {
  return {
    label: `${contender}, ${PARAMETERS.inFlight} in flight`,
    run,
    valueOf: (measurement) => ratePerSecond(measurement, WARM_UP, 100),
  };
}
