import { pause, systemClock } from '@orders-pipeline/clock';
import { requestToken } from '../../test/support/secured-mode.js';
import { TemporaryStack } from '../../dev/supervisor/temporary-stack.js';
import { ProducerClient } from '../end-to-end/producer-client.js';
import type { Bench } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import type { Candidate } from '../harness/candidate.js';
import { compareInTurns } from '../harness/in-turns.js';
import type { Measurement } from '../harness/measurement.js';
import { readProcessFigures } from '../harness/process-figures.js';

const IN_FLIGHT = 10_000;
const ORDERS = 150_000;
const QUICK_ORDERS = 20_000;
/** Before the measured orders, until the code of all processes is compiled. */
const WARM_UP_ORDERS = 30_000;
const NEEDED_MIB = 4_000;
const POLL_MS = 100;

/** Compares the whole stack with and without TLS, users and access control: from the populate request to the last saved order. */
export const secured: Benchmark = {
  name: 'secured',
  about: `npm start -- --secured compared with the open stack, one consumer, ${IN_FLIGHT} in flight, save 0..1 s`,
  measure: async (bench) =>
    compareInTurns(
      {
        name: 'secured',
        unit: 'orders/s',
        subject: candidate(bench, 'secured', ['--secured']),
        limit: candidate(bench, 'open', []),
        times: bench.quick ? 1 : 3,
        requiredRatio: 0.8,
      },
      bench.print,
    ),
};

function candidate(bench: Bench, label: string, flags: readonly string[]): Candidate {
  return {
    label,
    run: async () => measureStack(bench, ['--no-console', '--in-flight', String(IN_FLIGHT), ...flags]),
    valueOf: ({ records, marks: [, end = Number.NaN] }) => (records * 1_000) / end,
  };
}

async function measureStack(bench: Bench, flags: readonly string[]): Promise<Measurement> {
  const { print, signal, quick } = bench;
  const stack = await TemporaryStack.start({ tool: 'orders-bench', flags, neededMiB: NEEDED_MIB, print, signal });
  try {
    const token = flags.includes('--secured') ? await requestToken(stack.url('ISSUER_PORT')) : undefined;
    const client = new ProducerClient(stack.url('PRODUCER_PORT'), signal, token);
    await saveAll(client, quick ? QUICK_ORDERS : WARM_UP_ORDERS, signal);
    const consumer = stack.processes().find(({ name }) => name === 'consumer-1')?.pid ?? 0;
    const before = await readProcessFigures(consumer);
    const records = quick ? QUICK_ORDERS : ORDERS;
    const startedAt = performance.now();
    await saveAll(client, records, signal);
    const tookMs = performance.now() - startedAt;
    const after = await readProcessFigures(consumer);
    if (before === undefined || after === undefined) throw new Error('the consumer has ended');
    return {
      records,
      marks: [0, tookMs],
      samples: [],
      peakRssMiB: after.peakRssMiB,
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    };
  } finally {
    await stack.stop();
  }
}

async function saveAll(client: ProducerClient, orders: number, signal: AbortSignal): Promise<void> {
  const { id } = await client.populate(orders);
  for (;;) {
    signal.throwIfAborted();
    const { status, saved } = await client.operation(id);
    if (status === 'failed') throw new Error('the operation failed');
    if (saved === orders) return;
    await pause(systemClock, POLL_MS);
  }
}
