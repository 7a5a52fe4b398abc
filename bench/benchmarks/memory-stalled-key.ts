import { PARTITIONS } from '../datasets/dataset.js';
import { smallDataset, smallKey } from '../datasets/small-dataset.js';
import { runOf, type Benchmark } from '../harness/benchmark.js';
import { heapFor } from '../harness/consumer-heap.js';
import { flatnessOf } from '../harness/flatness.js';

const NAME = 'memory-stalled-key';
const RECORDS = 3_000_000;
const QUICK_RECORDS = 300_000;
/** Fixed, because the memory limit is a multiple of it: an automatic limit would change it. */
const IN_FLIGHT = 1_000;
const WARM_UP = 0.1;
/** Highest sample allowed, relative to the base. */
const LIMIT = 1.1;
/** Time without a completed record after which the run ends, since the stalled key never completes. */
const STILL_MS = 10_000;

/**
 * Measures memory over a long run while the first record of one key never completes. Its partition may pause, at its limit of uncommitted
 * offsets or at its share of the buffered records; the other partitions must continue.
 */
export const memoryStalledKey: Benchmark = {
  name: NAME,
  about: 'highest memory while one key stalls, compared with the first seconds after a tenth of the records',
  measure: async (bench) => {
    const dataset = smallDataset(bench.quick ? QUICK_RECORDS : RECORDS);
    const measurement = await bench.run(
      'engine-stalled-key',
      { inFlight: IN_FLIGHT, stalledKey: smallKey(0), stillMs: STILL_MS },
      { dataset, heap: heapFor(IN_FLIGHT), timeoutMs: 240_000 },
    );
    const others = Math.floor((dataset.records / PARTITIONS) * (PARTITIONS - 1));
    const wasBlocked = measurement.records < others;
    const { base, highest, lowest } = flatnessOf(measurement.samples, wasBlocked ? 0 : WARM_UP * dataset.records);
    const value = highest / base;
    const notes = [
      `${measurement.records} of ${dataset.records} records completed; the ${PARTITIONS - 1} partitions without the stalled key have ${others}`,
      `MiB after the warm-up: ${[base, lowest, highest].map(Math.round).join(', ')} (base, lowest, highest)`,
      ...(wasBlocked ? ['missed because the stalled key blocked other partitions'] : []),
    ];
    const rssMiB = measurement.samples.map((sample) => Math.round(sample.rssMiB));
    const run = { ...runOf('engine-stalled-key', value, measurement), rssMiB };
    return {
      name: NAME,
      value,
      unit: 'highest / base',
      limit: LIMIT,
      ratio: wasBlocked ? 0 : LIMIT / value,
      ratioRange: null,
      requiredRatio: 1,
      peakRssMiB: run.peakRssMiB,
      maxRssMiB: null,
      cpuSeconds: run.cpuSeconds,
      noisy: false,
      runs: [run],
      notes,
    };
  },
};
