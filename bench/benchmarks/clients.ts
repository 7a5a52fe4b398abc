import { PRODUCER_HEAP } from '../../dev/supervisor/app-definitions.js';
import type { KafkaClient } from '../contenders/job.js';
import { ordersDataset } from '../datasets/orders-dataset.js';
import { WRITTEN_ORDERS_TOPIC } from '../datasets/written-orders-topic.js';
import type { Bench } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import type { Candidate } from '../harness/candidate.js';
import { heapFor } from '../harness/consumer-heap.js';
import { SMALL_FETCH } from '../harness/fetch-size.js';
import { compareInTurns } from '../harness/in-turns.js';
import { ratePerSecond, type Measurement } from '../harness/measurement.js';

const IN_FLIGHT = 1_000;
const TIMES = 5;
const TIMEOUT_MS = 120_000;
const RECORDS = { consumed: 1_000_000, sent: 400_000, quick: 100_000 };
const CHUNK = 1_000;
/** Per cent of the records, during which V8 compiles. */
const WARM_UP = 10;

/** Measures the engine over `@platformatic/kafka`. */
export const clientsConsumer: Benchmark = {
  name: 'clients-consumer',
  about: 'the engine with a handler that does nothing over @platformatic/kafka, compared with the same over kafkajs',
  measure: async (bench) => compare(bench, 'clients-consumer', 1.3, noOp),
};

/** Measures the engine's producer over `@platformatic/kafka`. */
export const clientsProducer: Benchmark = {
  name: 'clients-producer',
  about: 'the emission of one populate over @platformatic/kafka, compared with the same over kafkajs',
  measure: async (bench) => compare(bench, 'clients-producer', 1.5, sending),
};

async function compare(
  bench: Bench,
  name: string,
  requiredRatio: number,
  candidate: (bench: Bench, client: KafkaClient) => Candidate,
) {
  const contest = {
    name,
    unit: 'records/s',
    subject: candidate(bench, 'platformatic'),
    limit: candidate(bench, 'kafkajs'),
    times: bench.quick ? 1 : TIMES,
    requiredRatio,
  };
  return compareInTurns(contest, bench.print);
}

function noOp(bench: Bench, client: KafkaClient): Candidate {
  const dataset = ordersDataset(bench.quick ? RECORDS.quick : RECORDS.consumed);
  const options = { dataset, heap: heapFor(IN_FLIGHT), timeoutMs: TIMEOUT_MS };
  return {
    label: `engine over ${client}`,
    run: async () => bench.run('engine-no-op', { inFlight: IN_FLIGHT, fetch: SMALL_FETCH, client }, options),
    valueOf: warmRate,
  };
}

function sending(bench: Bench, client: KafkaClient): Candidate {
  const records = bench.quick ? RECORDS.quick : RECORDS.sent;
  const options = { dataset: WRITTEN_ORDERS_TOPIC, records, emits: true, timeoutMs: TIMEOUT_MS, heap: PRODUCER_HEAP };
  return {
    label: `emission over ${client}`,
    run: async () => bench.run('app-emission', { chunkSize: CHUNK, client }, options),
    valueOf: warmRate,
  };
}

function warmRate(measurement: Measurement): number {
  return ratePerSecond(measurement, WARM_UP, 100);
}
