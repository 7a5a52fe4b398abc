import { pause, systemClock } from '#parallel-consumer/clock.js';
import { StackError } from '../../dev/stack-error.js';
import { lastQuarterAgainstSecond } from '../harness/flatness.js';
import { follow, type Followed, type RunSample } from './follow.js';
import { OwnStack } from './own-stack.js';
import { ProcessWatch, type ProcessTotal } from './process-watch.js';
import { ProducerClient } from './producer-client.js';
import { reconcile, type Reconciliation } from './reconciliation.js';

export interface SetUp {
  readonly consumers: number;
  /** Of each consumer. */
  readonly inFlight: number;
  readonly saveMs: string;
}

/** How the stack is run; all else is at the defaults of `npm start`. */
export const SET_UP: SetUp = { consumers: 1, inFlight: 14_000, saveMs: '0..1000' };
const FLAGS = ['--consumers', `${SET_UP.consumers}`, '--in-flight', `${SET_UP.inFlight}`, '--save-ms', SET_UP.saveMs];
/** In Kafka, and in MongoDB with its journal and indexes, and some to spare. */
const MIB_PER_ORDER = 1 / 1_024;
const EMPTY_STACK_MIB = 1_024;
/** While the equation is computed nothing else is looked at. */
const LOOK_EVERY_MS = 1_000;

/** What a run came to, from the POST of the populate until every order was saved or among the dead letters. */
export interface EndToEndRun {
  readonly orders: number;
  readonly seconds: number;
  readonly deadLettered: number;
  /** Of the emission alone, by the operation's own dates. */
  readonly emissionSeconds: number;
  readonly samples: readonly RunSample[];
  readonly processes: readonly ProcessTotal[];
  /** The last quarter's memory against the second's: of the producer while it emitted, of the others over the whole run. */
  readonly growth: Readonly<Record<string, number | undefined>>;
  readonly reconciliation: Reconciliation;
  /** The processes as they were after the reconciliation. */
  readonly processesAfter: readonly ProcessTotal[];
}

export interface RunOptions {
  readonly orders: number;
  readonly print: (line: string) => void;
  /** Ends it, and the stack with it. */
  readonly signal: AbortSignal;
}

/** Runs a stack of its own, sends so many orders through all of it, and has them reconciled. Nothing of it is left behind. */
export async function runEndToEnd({ orders, print, signal }: RunOptions): Promise<EndToEndRun> {
  if (process.platform !== 'linux')
    throw new StackError('unsupported-platform', 'The end-to-end run reads /proc.', 'It runs on Linux only.');
  print(`end-to-end: ${orders} orders, npm start -- ${FLAGS.join(' ')}`);
  const neededMiB = EMPTY_STACK_MIB + Math.ceil(orders * MIB_PER_ORDER);
  const stack = await OwnStack.start({ flags: FLAGS, neededMiB, print, signal });
  try {
    return await measure(stack, { orders, print, signal });
  } finally {
    print('  stopping the stack');
    await stack.stop();
  }
}

async function measure(stack: OwnStack, { orders, print, signal }: RunOptions): Promise<EndToEndRun> {
  const client = new ProducerClient(stack.producerUrl, signal);
  const watch = new ProcessWatch(() => stack.processes());
  await watch.look();
  const startedAt = systemClock.now();
  const { id } = await client.populate(orders);
  const followed = await follow({ client, watch, id, orders, clock: systemClock, startedAt, print, signal });
  const processes = watch.totals();
  print('  all there: reconciling');
  const reconciliation = await reconcileWatched(watch, async () => reconcile(stack.producerUrl, id, signal));
  return { ...figuresOf(orders, followed), processes, reconciliation, processesAfter: watch.totals() };
}

/** Looks at the processes meanwhile: one may end, and with it what it had. */
async function reconcileWatched(watch: ProcessWatch, work: () => Promise<Reconciliation>): Promise<Reconciliation> {
  const reconciling = work();
  const isSettled = Promise.allSettled([reconciling]).then(() => true);
  for (let isOver = false; !isOver;) {
    await watch.look();
    isOver = await Promise.race([isSettled, pause(systemClock, LOOK_EVERY_MS).then(() => false)]);
  }
  await watch.look();
  return reconciling;
}

/** What follows from the looks alone. */
export function figuresOf(
  orders: number,
  { samples, operation }: Followed,
): Omit<EndToEndRun, 'processes' | 'processesAfter' | 'reconciliation'> {
  const last = samples.at(-1);
  if (last === undefined) throw new RangeError('nobody looked');
  const { startedAt, finishedAt } = operation;
  const emissionSeconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1_000;
  const emitting = samples.filter(({ acked }) => acked < orders);
  const growthOf = (name: string): number | undefined => {
    const asked = name === 'producer' ? emitting : samples;
    return lastQuarterAgainstSecond(asked.flatMap(({ processes }) => processes[name]?.rssMiB ?? []));
  };
  const growth = Object.fromEntries(Object.keys(last.processes).map((name) => [name, growthOf(name)]));
  return { orders, seconds: last.second, deadLettered: last.deadLettered, emissionSeconds, samples, growth };
}
