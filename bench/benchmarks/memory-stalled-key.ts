import { PARTITIONS } from '../datasets/dataset.js';
import { smallDataset, smallKey } from '../datasets/small-dataset.js';
import { runOf, type Benchmark } from '../harness/benchmark.js';
import { heapFor } from '../harness/consumer-heap.js';
import { flatnessOf } from '../harness/flatness.js';

const NAME = 'memory-stalled-key';
const RECORDS = 3_000_000;
const QUICK_RECORDS = 300_000;
/** Fixed: what may be in memory is a multiple of it, and a search for it would move that. */
const IN_FLIGHT = 1_000;
const WARM_UP = 0.1;
/** The most that any sample may be above the base. */
const LIMIT = 1.1;
/** Nothing is finished for so long: the run is over, since the stalled key never ends. */
const STILL_MS = 10_000;

/**
 * Memory over a long run, while the first record of one key never ends. Its partition may stop, at the span or at its share of
 * what is taken; the others must go on.
 */
export const memoryStalledKey: Benchmark = {
  name: NAME,
  about: 'memory while one key stalls, highest against the first seconds after a tenth of the records',
  measure: async (bench) => {
    const dataset = smallDataset(bench.quick ? QUICK_RECORDS : RECORDS);
    const measurement = await bench.run(
      'engine-stalled-key',
      { inFlight: IN_FLIGHT, stalledKey: smallKey(0), stillMs: STILL_MS },
      { dataset, heap: heapFor(IN_FLIGHT), timeoutMs: 240_000 },
    );
    const others = Math.floor((dataset.records / PARTITIONS) * (PARTITIONS - 1));
    const wasHeldUp = measurement.records < others;
    const { base, highest, lowest } = flatnessOf(measurement.samples, wasHeldUp ? 0 : WARM_UP * dataset.records);
    const value = highest / base;
    const notes = [
      `${measurement.records} of ${dataset.records} finished; the ${PARTITIONS - 1} partitions without the stalled key have ${others}`,
      `MiB after the warm-up: ${[base, lowest, highest].map(Math.round).join(', ')} (base, lowest, highest)`,
      ...(wasHeldUp ? ['the stalled key held other partitions up: that alone misses it'] : []),
    ];
    const rssMiB = measurement.samples.map((sample) => Math.round(sample.rssMiB));
    const run = { ...runOf('engine-stalled-key', value, measurement), rssMiB };
    return {
      name: NAME,
      value,
      unit: 'highest / base',
      limit: LIMIT,
      ratio: wasHeldUp ? 0 : LIMIT / value,
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
