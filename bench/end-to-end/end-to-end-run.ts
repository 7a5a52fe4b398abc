import { pause, systemClock } from '@orders-pipeline/clock';
import { StackError } from '../../dev/stack-error.js';
import { lastQuarterAgainstSecond } from '../harness/flatness.js';
import { measureInsertLimit, type InsertLimit } from './insert-limit.js';
import { follow, type Followed, type RunSample } from './follow.js';
import { TemporaryStack } from '../../dev/supervisor/temporary-stack.js';
import { ProcessWatch, type ProcessTotal } from './process-watch.js';
import { ProducerClient } from './producer-client.js';
import { reconcile, type Reconciliation } from './reconciliation.js';

export interface SetUp {
  readonly consumers: number;
  /** In-flight limit of each consumer. */
  readonly inFlight: number;
  readonly saveMs: string;
}

/** Configuration of the stack; everything else has the defaults of `npm start`. */
export const SET_UP: SetUp = { consumers: 1, inFlight: 18_000, saveMs: '0..1000' };
const FLAGS = ['--consumers', `${SET_UP.consumers}`, '--in-flight', `${SET_UP.inFlight}`, '--save-ms', SET_UP.saveMs];
/** Disk space in Kafka and in MongoDB with journal and indexes, plus a reserve; twice in MongoDB. */
const MIB_PER_ORDER = 1.7 / 1_024;
const EMPTY_STACK_MIB = 1_024;
/** Interval of the process samples during the reconciliation. */
const SAMPLE_MS = 1_000;

/** Result of a run, from the populate request until every order was saved or dead-lettered. */
export interface EndToEndRun {
  readonly orders: number;
  readonly seconds: number;
  readonly deadLettered: number;
  /** Duration of the emission, by the timestamps of the operation. */
  readonly emissionSeconds: number;
  readonly samples: readonly RunSample[];
  readonly processes: readonly ProcessTotal[];
  /** Memory of the last quarter divided by that of the second: for the producer during the emission, for the others over the whole run. */
  readonly growth: Readonly<Record<string, number | undefined>>;
  readonly reconciliation: Reconciliation;
  /** Totals of the processes after the reconciliation. */
  readonly processesAfter: readonly ProcessTotal[];
  /** Measured right after the reconciliation. */
  readonly insertLimit: InsertLimit;
}

export interface RunOptions {
  readonly orders: number;
  readonly print: (line: string) => void;
  /** Stops the run and the stack. */
  readonly signal: AbortSignal;
}

/** Starts a separate stack, sends orders through it, reconciles them, and removes the stack and its data. */
export async function runEndToEnd({ orders, print, signal }: RunOptions): Promise<EndToEndRun> {
  if (process.platform !== 'linux')
    throw new StackError('unsupported-platform', 'The end-to-end run reads /proc.', 'Run it on Linux.');
  print(`end-to-end: ${orders} orders, npm start -- ${FLAGS.join(' ')}`);
  const neededMiB = EMPTY_STACK_MIB + Math.ceil(orders * MIB_PER_ORDER);
  const stack = await TemporaryStack.start({ tool: 'orders-bench', flags: FLAGS, neededMiB, print, signal });
  try {
    return await measure(stack, { orders, print, signal });
  } finally {
    print('  stopping the stack');
    await stack.stop();
  }
}

async function measure(stack: TemporaryStack, { orders, print, signal }: RunOptions): Promise<EndToEndRun> {
  const client = new ProducerClient(stack.url('PRODUCER_PORT'), signal);
  const watch = new ProcessWatch(() => stack.processes());
  await watch.sample();
  const startedAt = systemClock.now();
  const { id } = await client.populate(orders);
  const followed = await follow({ client, watch, id, orders, clock: systemClock, startedAt, print, signal });
  const processes = watch.totals();
  print('  all orders saved or dead-lettered; reconciling');
  const reconciliation = await reconcileWithSamples(watch, async () =>
    reconcile(stack.url('PRODUCER_PORT'), id, signal),
  );
  const processesAfter = watch.totals();
  print('  inserting as many orders with a bare insertMany');
  const insertLimit = await measureInsertLimit({ mongodbUri: stack.addresses.MONGODB_URI, orders, signal }, watch);
  return { ...deriveFigures(orders, followed), processes, reconciliation, processesAfter, insertLimit };
}

/** Samples the processes meanwhile, because the figures of a process that ends are lost. */
async function reconcileWithSamples(watch: ProcessWatch, work: () => Promise<Reconciliation>): Promise<Reconciliation> {
  const reconciling = work();
  const isSettled = Promise.allSettled([reconciling]).then(() => true);
  for (let isOver = false; !isOver;) {
    await watch.sample();
    isOver = await Promise.race([isSettled, pause(systemClock, SAMPLE_MS).then(() => false)]);
  }
  await watch.sample();
  return reconciling;
}

/** Derives the figures that depend on the samples only. */
export function deriveFigures(
  orders: number,
  { samples, operation }: Followed,
): Omit<EndToEndRun, 'processes' | 'processesAfter' | 'reconciliation' | 'insertLimit'> {
  const last = samples.at(-1);
  if (last === undefined) throw new RangeError('samples must not be empty');
  const { startedAt, finishedAt } = operation;
  const emissionSeconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1_000;
  const emitting = samples.filter(({ acked }) => acked < orders);
  const growthOf = (name: string): number | undefined => {
    const relevant = name === 'producer' ? emitting : samples;
    return lastQuarterAgainstSecond(relevant.flatMap(({ processes }) => processes[name]?.rssMiB ?? []));
  };
  const growth = Object.fromEntries(Object.keys(last.processes).map((name) => [name, growthOf(name)]));
  return { orders, seconds: last.second, deadLettered: last.deadLettered, emissionSeconds, samples, growth };
}
