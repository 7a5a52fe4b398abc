import type { EndToEndRun } from './end-to-end-run.js';
import { LIMITS } from './limits.js';
import type { ProcessTotal } from './process-watch.js';

/** A line of the table: a figure, its limit and whether it is met. */
export interface VerdictRow {
  readonly name: string;
  readonly measured: string;
  readonly limit: string;
  /** `undefined` when there is no limit. */
  readonly isReached: boolean | undefined;
}

/** Converts a run to lines of the table. */
export function verdictRows(run: EndToEndRun): VerdictRow[] {
  const { orders, seconds, emissionSeconds, deadLettered, processes, insertLimit } = run;
  return [
    withoutLimit('orders', whole(orders)),
    withoutLimit('dead letters', whole(deadLettered)),
    atMost('time from POST until all orders are saved, s', seconds, orders / LIMITS.ordersPerSecond, (value) =>
      value.toFixed(1),
    ),
    atLeast('orders/s', orders / seconds, LIMITS.ordersPerSecond),
    withoutLimit('bare insertMany, orders/s', whole(insertLimit.ordersPerSecond)),
    atLeast(
      'of the bare insertMany',
      orders / seconds / insertLimit.ordersPerSecond,
      LIMITS.shareOfInserts,
      hundredths,
    ),
    withoutLimit('emission, s', emissionSeconds.toFixed(1)),
    withoutLimit('emission, orders/s', whole(orders / emissionSeconds)),
    ...reconciliationRows(run),
    ...processes.flatMap((total) => memoryRows(run, total)),
    ...processes.map(({ name, cpuSeconds }) =>
      withoutLimit(`${name}, CPU us an order`, microseconds(cpuSeconds / orders)),
    ),
    withoutLimit('MongoDB with the bare insertMany, CPU us an order', insertLimit.mongodbCpuUs.toFixed(1)),
    ...processes
      .filter(({ restarts }) => restarts > 0)
      .map(({ name, restarts }) => atMost(`${name}, restarts`, restarts, 0, whole)),
  ];
}

/** Returns the memory limit of a process in MiB; the servers have none. */
export function memoryLimitOf(name: string): number | undefined {
  if (name === 'producer') return LIMITS.producerMiB;
  return isConsumer(name) ? LIMITS.consumerMiB : undefined;
}

export function isConsumer(name: string): boolean {
  return name.startsWith('consumer-');
}

function reconciliationRows({ reconciliation: { answer, reason }, processesAfter }: EndToEndRun): VerdictRow[] {
  if (answer === undefined) return [withoutLimit('reconcile', reason)];
  const producer = processesAfter.find(({ name }) => name === 'producer');
  return [
    { name: 'reconcile', measured: answer.verdict, limit: 'holds', isReached: answer.verdict === 'holds' },
    withoutLimit('reconcile, s', answer.seconds.toFixed(1)),
    atLeast('reconcile, orders/s', answer.ordersPerSecond, LIMITS.reconciledPerSecond),
    ...(producer === undefined
      ? []
      : [atMost('producer, peak RSS with the reconciliation, MiB', producer.peakRssMiB, LIMITS.producerMiB, whole)]),
  ];
}

function memoryRows({ growth }: EndToEndRun, { name, peakRssMiB }: ProcessTotal): VerdictRow[] {
  const limit = memoryLimitOf(name);
  const peak = `${name}, peak RSS, MiB`;
  if (limit === undefined) return [withoutLimit(peak, whole(peakRssMiB))];
  const grown = growth[name];
  const level = `${name}, RSS of the last quarter / the second`;
  return [
    atMost(peak, peakRssMiB, limit, whole),
    grown === undefined ? withoutLimit(level, 'too short') : atMost(level, grown, LIMITS.growth, hundredths),
  ];
}

function withoutLimit(name: string, measured: string): VerdictRow {
  return { name, measured, limit: '', isReached: undefined };
}

function atMost(name: string, value: number, limit: number, format: (value: number) => string): VerdictRow {
  return { name, measured: format(value), limit: `<= ${format(limit)}`, isReached: value <= limit };
}

function atLeast(name: string, value: number, limit: number, format = whole): VerdictRow {
  return { name, measured: format(value), limit: `>= ${format(limit)}`, isReached: value >= limit };
}

function hundredths(value: number): string {
  return value.toFixed(2);
}

function microseconds(seconds: number): string {
  return (seconds * 1_000_000).toFixed(1);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
