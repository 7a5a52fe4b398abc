import type { SaveMs } from '../contenders/job.js';
import { ordersDataset } from '../datasets/orders-dataset.js';
import { runOf, type Benchmark } from '../harness/benchmark.js';
import { ratePerSecond } from '../harness/measurement.js';

interface Sampled {
  readonly name: string;
  readonly about: string;
  readonly saveMs: SaveMs;
  /** Takes about ten seconds. */
  readonly records: number;
}

/** For comparison only: NestJS's Kafka transport with the slow save. */
export const oneAtATimeSave = sampleBenchmark({
  name: 'one-at-a-time-save',
  about: 'one order at a time per partition, each with a wait of 0..1 s and an insertOne; for comparison',
  saveMs: { minimum: 0, maximum: 1_000 },
  records: 300,
});

/** The same without the wait. */
export const oneAtATimeNoSave = sampleBenchmark({
  name: 'one-at-a-time-no-save',
  about: 'one order at a time per partition, each with an insertOne; for comparison',
  saveMs: { minimum: 0, maximum: 0 },
  records: 20_000,
});

function sampleBenchmark({ name, about, saveMs, records }: Sampled): Benchmark {
  return {
    name,
    about,
    measure: async (bench) => {
      const dataset = ordersDataset(bench.quick ? 60_000 : 400_000);
      const sample = bench.quick ? records / 5 : records;
      const options = { dataset, records: sample, saves: 'orders' as const, timeoutMs: 60_000 };
      const measurement = await bench.run('one-at-a-time', { saveMs }, options);
      const run = runOf('one-at-a-time', ratePerSecond(measurement, 0, 100), measurement);
      return {
        name,
        value: run.value,
        unit: 'orders/s',
        limit: null,
        ratio: null,
        ratioRange: null,
        requiredRatio: null,
        peakRssMiB: run.peakRssMiB,
        maxRssMiB: null,
        cpuSeconds: run.cpuSeconds,
        noisy: false,
        runs: [run],
        notes: [`a sample of ${sample} orders`],
      };
    },
  };
}
