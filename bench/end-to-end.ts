import { pause, systemClock } from '@orders-pipeline/clock';
import { request } from 'undici';
import { z } from 'zod';
import { StackError } from '../dev/stack-error.js';
import type { TemporaryStack } from '../dev/supervisor/temporary-stack.js';
import { inDatabase, runContender } from './bench.js';
import { lastQuarterAgainstSecond, ratePerSecond } from './measurement.js';
import { type ProcessSample, type ProcessTotal, ProcessWatch } from './process-watch.js';
import { atMost, type Found, measured, type Outcome, type Result, type Run } from './result.js';
import { type FollowedOperation, ProducerClient, type Progress, withStack } from './stacks.js';

// `npm run bench -- --orders N`: the whole stack, from the populate request until every order is saved, and its reconciliation.

interface SetUp {
  readonly consumers: number;
  /** In-flight limit of each consumer. */
  readonly inFlight: number;
  readonly saveMs: string;
}

/** Configuration of the stack; everything else has the defaults of `npm start`. */
export const SET_UP: SetUp = { consumers: 1, inFlight: 18_000, saveMs: '0..1000' };
const FLAGS = ['--consumers', `${SET_UP.consumers}`, '--in-flight', `${SET_UP.inFlight}`, '--save-ms', SET_UP.saveMs];

/** Requirements of the run. */
export const LIMITS = {
  /** 10,000,000 orders in 480 s; fewer orders proportionally faster. */
  ordersPerSecond: Math.ceil(10_000_000 / 480),
  /** Of the rate of a bare `insertMany`. */
  shareOfInserts: 0.55,
  reconciledPerSecond: 60_000,
  /** Peak resident memory of each app process. */
  producerMiB: 250,
  consumerMiB: 400,
  /** Memory of the last quarter divided by that of the second. */
  growth: 1.1,
} as const;

/** Disk space in Kafka and in MongoDB with journal and indexes, plus a reserve; twice in MongoDB. */
const MIB_PER_ORDER = 1.7 / 1_024;
const EMPTY_STACK_MIB = 1_024;
/** Interval of the process samples during the reconciliation. */
const SAMPLE_MS = 1_000;

/** One sample of a run. */
export interface RunSample {
  /** Seconds since the populate request. */
  readonly second: number;
  readonly acked: number;
  readonly saved: number;
  readonly deadLettered: number;
  readonly processes: ProcessSample;
}

/** Result of a run, from the populate request until every order was saved or dead-lettered. */
export interface EndToEndRun {
  readonly orders: number;
  readonly seconds: number;
  readonly deadLettered: number;
  /** Duration of the publishing, by the timestamps of the operation. */
  readonly emissionSeconds: number;
  readonly samples: readonly RunSample[];
  readonly processes: readonly ProcessTotal[];
  /** Memory of the last quarter divided by that of the second: for the producer during the publishing, for the others over the whole run. */
  readonly growth: Readonly<Record<string, number | undefined>>;
  /** The producer's answer to a reconciliation of every order, or why there is none. */
  readonly reconciliation: ReconciliationAnswer | string;
  /** Totals of the processes after the reconciliation. */
  readonly processesAfter: readonly ProcessTotal[];
  /** Measured right after the reconciliation. */
  readonly insertLimit: InsertLimit;
}

/** Starts a separate stack, sends orders through it, reconciles them, and removes the stack and its data. */
export async function runEndToEnd(orders: number, progress: Progress): Promise<EndToEndRun> {
  const { print } = progress;
  if (process.platform !== 'linux')
    throw new StackError('unsupported-platform', 'The end-to-end run reads /proc.', 'Run it on Linux.');
  print(`end-to-end: ${orders} orders, npm start -- ${FLAGS.join(' ')}`);
  const neededMiB = EMPTY_STACK_MIB + Math.ceil(orders * MIB_PER_ORDER);
  return withStack(progress, { flags: FLAGS, neededMiB }, async (stack) => {
    const run = await measure(stack, orders, progress);
    print('  stopping the stack');
    return run;
  });
}

async function measure(stack: TemporaryStack, orders: number, { print, signal }: Progress): Promise<EndToEndRun> {
  const client = new ProducerClient(stack.url('PRODUCER_PORT'), signal);
  const watch = new ProcessWatch(() => stack.processes());
  await watch.sample();
  const startedAt = systemClock.now();
  const { id } = await client.populate({ count: orders });
  const followed = await follow({ client, watch, id, orders, startedAt, print, signal });
  const processes = watch.totals();
  print('  all orders saved or dead-lettered; reconciling');
  const reconciling = reconcile(stack.url('PRODUCER_PORT'), id, signal);
  await sampleUntil(watch, reconciling);
  const processesAfter = watch.totals();
  print('  inserting as many orders with a bare insertMany');
  const insertLimit = await measureInsertLimit(stack.addresses.MONGODB_URI, orders, watch, signal);
  const reconciliation = await reconciling;
  return { ...deriveFigures(orders, followed), processes, reconciliation, processesAfter, insertLimit };
}

/** Samples the processes during some work, because the figures of a process that ends are lost. */
async function sampleUntil(watch: ProcessWatch, work: Promise<unknown>): Promise<void> {
  const isSettled = Promise.allSettled([work]).then(() => true);
  for (let isOver = false; !isOver;) {
    await watch.sample();
    isOver = await Promise.race([isSettled, pause(systemClock, SAMPLE_MS).then(() => false)]);
  }
  await watch.sample();
}

/** Derives the figures that depend on the samples only. */
function deriveFigures(orders: number, { samples, operation }: Followed) {
  const last = samples.at(-1);
  if (last === undefined) throw new RangeError('samples must not be empty');
  const { startedAt, finishedAt } = operation;
  const emissionSeconds = ((finishedAt?.getTime() ?? Number.NaN) - (startedAt?.getTime() ?? Number.NaN)) / 1_000;
  const publishing = samples.filter(({ acked }) => acked < orders);
  const growthOf = (name: string): number | undefined => {
    const relevant = name === 'producer' ? publishing : samples;
    return lastQuarterAgainstSecond(relevant.flatMap(({ processes }) => processes[name]?.rssMiB ?? []));
  };
  const growth = Object.fromEntries(Object.keys(last.processes).map((name) => [name, growthOf(name)]));
  return { orders, seconds: last.second, deadLettered: last.deadLettered, emissionSeconds, samples, growth };
}

const EVERY_MS = 1_000;
const PRINT_EVERY = 5;
/** Without progress for this time, the run has failed. */
const STALL_TIMEOUT_MS = 180_000;

interface FollowOptions extends Progress {
  readonly client: ProducerClient;
  readonly watch: ProcessWatch;
  readonly id: string;
  readonly orders: number;
  /** Time of the populate request, by the clock. */
  readonly startedAt: number;
}

interface Followed {
  /** One per second, except for seconds without an answer of the producer. The last one has all orders. */
  readonly samples: readonly RunSample[];
  /** The operation after its publishing has finished. */
  readonly operation: FollowedOperation;
}

/**
 * Samples the run once a second until every order is saved or dead-lettered.
 * @throws Error when the publishing fails, or without progress for three minutes
 */
async function follow(options: FollowOptions): Promise<Followed> {
  const { startedAt, orders, print, signal } = options;
  const samples: RunSample[] = [];
  let lastProgressAt = startedAt;
  for (;;) {
    // Seconds that pass during a slow answer are skipped.
    await pause(systemClock, EVERY_MS - ((systemClock.now() - startedAt) % EVERY_MS));
    signal.throwIfAborted();
    const taken = await takeSample(options);
    if (taken !== undefined) {
      const { operation, sample } = taken;
      const { status, finishedAt } = operation;
      if (status !== 'running' && status !== 'succeeded') throw new Error(`the operation has the status ${status}`);
      if (progressOf(sample) > progressOf(samples.at(-1))) lastProgressAt = systemClock.now();
      if (samples.length % PRINT_EVERY === 0) print(`  ${lineOf(sample, orders)}`);
      // The producer may report the end of the publishing shortly after the last order is saved.
      if (!isAllDone(samples.at(-1), orders)) samples.push(sample);
      if (isAllDone(sample, orders) && finishedAt !== null) return { samples, operation };
    }
    if (systemClock.now() - lastProgressAt > STALL_TIMEOUT_MS)
      throw new Error(`no progress for ${STALL_TIMEOUT_MS / 1_000} s`);
  }
}

/** @returns undefined when the producer does not answer, which may be temporary */
async function takeSample({ client, watch, id, startedAt, print, signal }: FollowOptions) {
  const processes = await watch.sample();
  try {
    const operation = await client.operation(id);
    const { acked, saved, deadLettered } = operation;
    const second = (systemClock.now() - startedAt) / 1_000;
    return { operation, sample: { second, acked, saved: saved ?? 0, deadLettered: deadLettered ?? 0, processes } };
  } catch (error) {
    signal.throwIfAborted();
    print(`  the producer did not answer: ${String(error)}`);
    return undefined;
  }
}

function isAllDone(sample: RunSample | undefined, orders: number): boolean {
  return sample !== undefined && sample.saved + sample.deadLettered >= orders;
}

function progressOf(sample: RunSample | undefined): number {
  return sample === undefined ? 0 : sample.acked + sample.saved + sample.deadLettered;
}

function lineOf({ second, acked, saved, deadLettered }: RunSample, orders: number): string {
  const [a, s, all] = [acked, saved, orders].map((each) => each.toLocaleString('en-US'));
  const deadLetters = deadLettered === 0 ? '' : `, ${deadLettered.toLocaleString('en-US')} dead letters`;
  return `${Math.round(second)} s: ${a} acknowledged, ${s} saved${deadLetters}, of ${all}`;
}

const AnswerSchema = z.looseObject({
  verdict: z.enum(['holds', 'broken', 'pending']),
  ordersPerSecond: z.number(),
  seconds: z.number(),
});

/** The verdicts for people. */
const VERDICTS = { holds: 'ok', broken: 'mismatch', pending: 'pending' } as const;

/** Unknown fields are kept. */
type ReconciliationAnswer = z.infer<typeof AnswerSchema>;

/** Reconciles an operation. The answer may take many minutes without a byte. @throws the abort reason of the signal */
async function reconcile(producerUrl: string, id: string, signal: AbortSignal): Promise<ReconciliationAnswer | string> {
  const url = `${producerUrl}/v1/operations/${id}/reconcile`;
  try {
    const sent = { method: 'POST', signal, headersTimeout: 0, bodyTimeout: 0 } as const;
    const { statusCode, body } = await request(url, sent);
    if (statusCode !== 200) return `failed with ${statusCode}: ${await body.text()}`;
    return AnswerSchema.parse(await body.json());
  } catch (error) {
    signal.throwIfAborted();
    return `failed: ${String(error)}`;
  }
}

/** What a bare loop of `insertMany` saves on the same server: the limit of the pipeline. */
interface InsertLimit {
  readonly ordersPerSecond: number;
  /** CPU time for an order, in microseconds. */
  readonly mongodbCpuUs: number;
  readonly clientCpuUs: number;
}

/** Slower than any machine that the run fits on. */
const LEAST_PER_SECOND = 1_000;
const START_MS = 60_000;

/** Inserts as many orders into another database of the same server, with the same indexes, and drops it. */
async function measureInsertLimit(
  mongodbUri: string,
  orders: number,
  watch: ProcessWatch,
  signal: AbortSignal,
): Promise<InsertLimit> {
  return inDatabase(mongodbUri, 'bench-insert-limit', async (uri) => {
    const before = await mongodbSeconds(watch);
    const timeoutMs = START_MS + (orders / LEAST_PER_SECOND) * 1_000;
    const job = { contender: 'bare-insert', parameters: {}, mongodbUri: uri, records: orders } as const;
    const found = await runContender(job, { timeoutMs, signal });
    return {
      ordersPerSecond: ratePerSecond(found, 0, 100),
      mongodbCpuUs: (((await mongodbSeconds(watch)) - before) / orders) * 1_000_000,
      clientCpuUs: (found.cpuSeconds / orders) * 1_000_000,
    };
  });
}

async function mongodbSeconds(watch: ProcessWatch): Promise<number> {
  const { MongoDB } = await watch.sample();
  return MongoDB?.cpuSeconds ?? 0;
}

/** Judges the run. */
export function resultsOf(run: EndToEndRun, noisy: boolean): Result[] {
  const { orders, seconds, deadLettered, emissionSeconds, processes, insertLimit, reconciliation } = run;
  const perSecond = orders / seconds;
  const all = runOfAll(processes, perSecond);
  const share = perSecond / insertLimit.ordersPerSecond;
  const publishedPerSecond = orders / emissionSeconds;
  const results: Result[] = [
    {
      name: 'end-to-end',
      ...atLeast(LIMITS.ordersPerSecond, {
        unit: 'orders/s',
        subject: [all],
        runs: processes.map((total) => runOfProcess(run, total, perSecond)),
        notes: [
          `${orders} orders in ${seconds.toFixed(1)} s, target ${(orders / LIMITS.ordersPerSecond).toFixed(1)} s; dead letters: ${deadLettered}`,
        ],
      }),
    },
    {
      name: 'end-to-end-of-inserts',
      ...atLeast(LIMITS.shareOfInserts, {
        unit: 'of insertMany',
        subject: [{ ...all, value: share }],
        notes: [
          `a bare insertMany: ${Math.round(insertLimit.ordersPerSecond)} orders/s, ${insertLimit.mongodbCpuUs.toFixed(1)} us of MongoDB's CPU time an order`,
        ],
      }),
    },
    {
      name: 'end-to-end-emission',
      ...measured({
        unit: 'orders/s',
        subject: [{ ...runOfAll(processes.filter(isProducer), publishedPerSecond) }],
        notes: [`${emissionSeconds.toFixed(1)} s, while the consumers save`],
      }),
    },
    { name: 'end-to-end-reconcile', ...reconciled(reconciliation, run) },
    ...processes.flatMap((total) => judgedProcess(run, total)),
  ];
  return results.map((result) => Object.assign(result, { noisy }));
}

function atLeast(limit: number, found: Found): Outcome {
  const { value } = measured(found);
  return measured({ limit, ratio: value / limit, requiredRatio: 1, ...found });
}

function reconciled(found: EndToEndRun['reconciliation'], { processesAfter }: EndToEndRun): Outcome {
  const producer = runOfAll(processesAfter.filter(isProducer), Number.NaN);
  const unit = 'orders/s';
  if (typeof found === 'string') return measured({ unit, subject: [producer], notes: [found] });
  const { ordersPerSecond, verdict, seconds } = found;
  const outcome = atLeast(LIMITS.reconciledPerSecond, {
    unit,
    subject: [{ ...producer, value: ordersPerSecond }],
    maxRssMiB: LIMITS.producerMiB,
    notes: [`verdict: ${VERDICTS[verdict]}, after ${seconds.toFixed(1)} s; the memory is the producer's at any time`],
  });
  return verdict === 'holds' ? outcome : { ...outcome, ratio: 0 };
}

/** Judges memory and restarts of an app, and shows the CPU time of each process. */
function judgedProcess(run: EndToEndRun, total: ProcessTotal): Result[] {
  const { name, cpuSeconds, restarts } = total;
  const cpu = runOfProcess(run, total, (cpuSeconds / run.orders) * 1_000_000);
  const results: Result[] = [{ name: `${name}-cpu`, ...measured({ unit: 'us CPU/order', subject: [cpu] }) }];
  const maxRssMiB = memoryLimitOf(name);
  if (maxRssMiB !== null) {
    const {
      growth: { [name]: grown },
    } = run;
    const memory = atMost(LIMITS.growth, {
      unit: 'last / second',
      subject: [{ ...cpu, value: grown ?? Number.NaN }],
      maxRssMiB,
      notes: grown === undefined ? ['the run is too short for its growth'] : [],
    });
    // A short run can still show too much memory.
    results.push({ name: `${name}-memory`, ...memory, ratio: grown === undefined ? 1 : memory.ratio });
  }
  if (restarts > 0) {
    const value = { ...cpu, value: restarts };
    results.push({ name: `${name}-restarts`, ...atMost(0, { unit: 'restarts', subject: [value] }) });
  }
  return results;
}

function isProducer({ name }: ProcessTotal): boolean {
  return name === 'producer';
}

function runOfAll(processes: readonly ProcessTotal[], value: number): Run {
  return {
    contender: processes.map(({ name }) => name).join(', '),
    value,
    peakRssMiB: Math.max(0, ...processes.map(({ peakRssMiB }) => peakRssMiB)),
    cpuSeconds: processes.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}

function runOfProcess({ samples }: EndToEndRun, { name, peakRssMiB, cpuSeconds }: ProcessTotal, value: number): Run {
  const rssMiB = samples.flatMap((sample) => Math.round(sample.processes[name]?.rssMiB ?? 0));
  return { contender: name, value, peakRssMiB, cpuSeconds, rssMiB };
}

/** Returns the memory limit of a process in MiB; the servers, whose memory is configured, have none. */
export function memoryLimitOf(name: string): number | null {
  if (name === 'producer') return LIMITS.producerMiB;
  return name.startsWith('consumer-') ? LIMITS.consumerMiB : null;
}

/** Converts a run to columns, with one element for each sample; `null` where a process was not running. */
export function reportOf({ samples, ...run }: EndToEndRun) {
  const columnOf = <T>(of: (sample: RunSample) => T): T[] => samples.map(of);
  const columnsOf = (figure: 'rssMiB' | 'cpuSeconds'): Record<string, (number | null)[]> =>
    Object.fromEntries(
      run.processes.map(({ name }) => [name, columnOf(({ processes }) => tenths(processes[name]?.[figure] ?? null))]),
    );
  const series = {
    second: columnOf(({ second }) => second),
    acked: columnOf(({ acked }) => acked),
    saved: columnOf(({ saved }) => saved),
    deadLettered: columnOf(({ deadLettered }) => deadLettered),
    rssMiB: columnsOf('rssMiB'),
    cpuSeconds: columnsOf('cpuSeconds'),
  };
  return { ...run, setUp: SET_UP, limits: LIMITS, series };
}

function tenths(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
