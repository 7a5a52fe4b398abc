import { ordersDataset, poisonedOrdersDataset } from '../datasets/orders-dataset.js';
import type { Dataset } from '../datasets/dataset.js';
import type { Bench } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import type { Candidate } from '../harness/candidate.js';
import { compareInTurns } from '../harness/in-turns.js';
import { heapFor } from '../harness/consumer-heap.js';
import { ratePerSecond } from '../harness/measurement.js';

const TIMES = 3;
const RECORDS = 400_000;
const QUICK_RECORDS = 100_000;
const IN_FLIGHT = 12_000;
const SAVE_MS = { minimum: 0, maximum: 1_000 };
/** One record in ten is poison. */
const POISON_EVERY = 10;
const TIMEOUT_MS = 240_000;

/** Measures how poison slows down good orders: each poison record fails and is published to the dead-letter topic. */
export const poison: Benchmark = {
  name: 'poison',
  about: 'good orders into MongoDB while one record in ten is poison, compared with no poison',
  measure: async (bench) => {
    const records = bench.quick ? QUICK_RECORDS : RECORDS;
    const contest = {
      name: 'poison',
      unit: 'orders/s',
      subject: saving(
        bench,
        'one record in ten is poison',
        poisonedOrdersDataset(records, POISON_EVERY),
        records - records / POISON_EVERY,
      ),
      limit: saving(bench, 'no poison', ordersDataset(records), records),
      times: bench.quick ? 1 : TIMES,
      requiredRatio: 0.8,
    };
    return compareInTurns(contest, bench.print);
  },
};

function saving(bench: Bench, label: string, dataset: Dataset, goodOrders: number): Candidate {
  return {
    label: `engine-save, ${IN_FLIGHT} in flight, ${label}`,
    run: async () =>
      bench.run(
        'engine-save',
        { inFlight: IN_FLIGHT, saveMs: SAVE_MS },
        { dataset, records: goodOrders, saves: 'orders', timeoutMs: TIMEOUT_MS, heap: heapFor(IN_FLIGHT) },
      ),
    valueOf: (measurement) => ratePerSecond(measurement, 0, 100),
  };
}
