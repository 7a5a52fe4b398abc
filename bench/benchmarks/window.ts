import type { SaveMs } from '../contenders/job.js';
import type { Dataset } from '../datasets/dataset.js';
import { evenAccountsDataset, ordersDataset } from '../datasets/orders-dataset.js';
import { runOf, type Benchmark, type Run } from '../harness/benchmark.js';
import { NOISY_SPREAD } from '../harness/in-turns.js';
import { heapFor } from '../harness/consumer-heap.js';
import { ratePerSecond } from '../harness/measurement.js';
import { median, spread } from '../harness/statistics.js';

const SAVE_MS: SaveMs = { minimum: 0, maximum: 1_000 };
const MEAN_SAVE_SECONDS = 0.5;
/** Duration of a run at its limit: its steady middle, 10 % to 70 % of the records, then takes more than 15 s. */
const SECONDS = 26;
const QUICK_SECONDS = 6;
const TIMES = 2;

interface Bound {
  readonly name: string;
  readonly about: string;
  readonly inFlight: number;
  /** Theoretical maximum in records per second. */
  readonly limit: number;
  readonly dataset: (records: number) => Dataset;
}

/** Concurrent waits: at most `inFlight / mean wait` can end per second. */
export function windowOf(inFlight: number): Benchmark {
  return boundBenchmark({
    name: `window-${inFlight}`,
    about: `${inFlight} concurrent waits of 0..1 s, in order per account (100,000 accounts), compared with ${inFlight} / 0.5 s`,
    inFlight,
    limit: inFlight / MEAN_SAVE_SECONDS,
    dataset: ordersDataset,
  });
}

const KEYS = 1_000;

/** Few keys: at most `keys / mean wait` can end per second, and only if every key always has work. */
export const fewKeys = boundBenchmark({
  name: `key-${KEYS}`,
  about: `waits of 0..1 s in order per account (${KEYS} accounts), compared with ${KEYS} / 0.5 s`,
  inFlight: 5_000,
  limit: KEYS / MEAN_SAVE_SECONDS,
  dataset: (records) => evenAccountsDataset(records, KEYS),
});

function boundBenchmark({ name, about, inFlight, limit, dataset }: Bound): Benchmark {
  return {
    name,
    about,
    measure: async (bench) => {
      const records = limit * (bench.quick ? QUICK_SECONDS : SECONDS);
      const runs: Run[] = [];
      const wholes: number[] = [];
      for (let time = 0; time < (bench.quick ? 1 : TIMES); time += 1) {
        const measurement = await bench.run(
          'engine-wait',
          { inFlight, saveMs: SAVE_MS },
          {
            dataset: dataset(records),
            heap: heapFor(inFlight),
            timeoutMs: 3_000 * SECONDS,
          },
        );
        wholes.push(ratePerSecond(measurement, 0, 100));
        runs.push(runOf('engine-wait', ratePerSecond(measurement, 10, 70), measurement));
        bench.print(`  ${Math.round(runs.at(-1)?.value ?? 0)}/s in the steady middle`);
      }
      const values = runs.map((run) => run.value);
      const value = median(values);
      const ratios = values.map((each) => each / limit);
      return {
        name,
        value,
        unit: 'records/s',
        limit,
        ratio: value / limit,
        ratioRange: [Math.min(...ratios), Math.max(...ratios)],
        requiredRatio: 0.9,
        peakRssMiB: Math.max(...runs.map(({ peakRssMiB }) => peakRssMiB)),
        maxRssMiB: null,
        cpuSeconds: median(runs.map(({ cpuSeconds }) => cpuSeconds)),
        noisy: spread(values) > NOISY_SPREAD,
        runs,
        notes: [
          `the value is the steady middle, 10 % to 70 % of ${records} records; the whole run, including start and end: ` +
            `${Math.round(median(wholes))}/s`,
        ],
      };
    },
  };
}
