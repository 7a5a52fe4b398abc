import type { Result } from '../harness/benchmark.js';
import { SET_UP, type EndToEndRun, type SetUp } from './end-to-end-run.js';
import { LIMITS } from './limits.js';
import type { ProcessTotal } from './process-watch.js';
import { isConsumer } from './verdict-rows.js';

/** All figures of the run, second by second, in addition to the results. */
export interface RunReport extends Omit<EndToEndRun, 'samples'> {
  readonly setUp: SetUp;
  readonly limits: typeof LIMITS;
  /** A column for each figure, with one element per sample. */
  readonly series: {
    readonly second: readonly number[];
    readonly acked: readonly number[];
    readonly saved: readonly number[];
    readonly deadLettered: readonly number[];
    readonly rssMiB: Readonly<Record<string, readonly (number | null)[]>>;
    readonly cpuSeconds: Readonly<Record<string, readonly (number | null)[]>>;
  };
}

/** Converts a run to columns; `null` where a process was not running. */
export function reportOf({ samples, ...run }: EndToEndRun): RunReport {
  const columnOf = <T>(of: (sample: EndToEndRun['samples'][number]) => T): T[] => samples.map(of);
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

/** Converts a run to results: the whole, the emission, and the reconciliation if there is one. */
export function resultsOf(run: EndToEndRun, noisy: boolean): Result[] {
  const { orders, seconds, emissionSeconds, processes, processesAfter, reconciliation } = run;
  const ofConsumers = processes.filter(({ name }) => isConsumer(name));
  const ofProducer = processes.filter(({ name }) => name === 'producer');
  const whole = {
    name: 'end-to-end',
    value: orders / seconds,
    limit: LIMITS.ordersPerSecond,
    maxRssMiB: LIMITS.consumerMiB,
    notes: [`${orders} orders in ${seconds} s; the memory is a consumer's, the CPU time that of all processes`],
  };
  const emission = {
    name: 'end-to-end-emission',
    value: orders / emissionSeconds,
    limit: null,
    maxRssMiB: LIMITS.producerMiB,
    notes: ['while the consumers save'],
  };
  return [
    { ...resultOf(whole, ofConsumers, noisy), cpuSeconds: cpuSecondsOf(processes), runs: runsOf(run, whole.value) },
    resultOf(emission, ofProducer, noisy),
    ...(reconciliation.answer === undefined
      ? []
      : [reconciliationResult(reconciliation.answer, processes, processesAfter, noisy)]),
  ];
}

function reconciliationResult(
  { verdict, ordersPerSecond }: NonNullable<EndToEndRun['reconciliation']['answer']>,
  before: readonly ProcessTotal[],
  after: readonly ProcessTotal[],
  noisy: boolean,
): Result {
  const found = {
    name: 'end-to-end-reconcile',
    value: ordersPerSecond,
    limit: LIMITS.reconciledPerSecond,
    maxRssMiB: LIMITS.producerMiB,
    notes: [`verdict: ${verdict}; the memory is the producer's at any time, the CPU time that of all processes`],
  };
  const producer = after.filter(({ name }) => name === 'producer');
  return { ...resultOf(found, producer, noisy), cpuSeconds: cpuSecondsOf(after) - cpuSecondsOf(before) };
}

function resultOf(
  { limit, value, ...rest }: Pick<Result, 'name' | 'value' | 'limit' | 'maxRssMiB' | 'notes'>,
  processes: readonly ProcessTotal[],
  noisy: boolean,
): Result {
  return {
    ...rest,
    value,
    unit: 'orders/s',
    limit,
    ratio: limit === null ? null : value / limit,
    ratioRange: null,
    requiredRatio: limit === null ? null : 1,
    peakRssMiB: Math.max(0, ...processes.map(({ peakRssMiB }) => peakRssMiB)),
    cpuSeconds: cpuSecondsOf(processes),
    noisy,
    runs: [],
  };
}

/** Converts the single run to one entry per process. */
function runsOf({ processes, samples }: EndToEndRun, value: number): Result['runs'] {
  return processes.map(({ name, peakRssMiB, cpuSeconds }) => {
    const rssMiB = samples.flatMap((sample) => Math.round(sample.processes[name]?.rssMiB ?? 0));
    return { contender: name, value, peakRssMiB, cpuSeconds, rssMiB };
  });
}

function cpuSecondsOf(processes: readonly ProcessTotal[]): number {
  return processes.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

function tenths(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
