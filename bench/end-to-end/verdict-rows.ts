import type { EndToEndRun } from './end-to-end-run.js';
import { LIMITS } from './limits.js';
import type { ProcessTotal } from './process-watch.js';

/** A line of the table: a figure, and whether it reaches what it must. */
export interface VerdictRow {
  readonly what: string;
  readonly measured: string;
  readonly limit: string;
  /** `undefined` where nothing is asked. */
  readonly isReached: boolean | undefined;
}

/** All that a run found, as lines of the table. */
export function verdictRows(run: EndToEndRun): VerdictRow[] {
  const { orders, seconds, emissionSeconds, deadLettered, processes } = run;
  return [
    told('orders', whole(orders)),
    told('of them dead letters', whole(deadLettered)),
    atMost('from the POST until all were saved, s', seconds, orders / LIMITS.ordersPerSecond, (value) =>
      value.toFixed(1),
    ),
    atLeast('orders/s', orders / seconds, LIMITS.ordersPerSecond),
    told('emission, s', emissionSeconds.toFixed(1)),
    told('emission, orders/s', whole(orders / emissionSeconds)),
    ...reconciliationRows(run),
    ...processes.flatMap((total) => memoryRows(run, total)),
    ...processes.map(({ name, cpuSeconds }) => told(`${name}, CPU s`, cpuSeconds.toFixed(1))),
    ...processes
      .filter(({ restarts }) => restarts > 0)
      .map(({ name, restarts }) => atMost(`${name}, started again`, restarts, 0, whole)),
  ];
}

/** The limit of a process's memory in MiB; the servers have none. */
export function memoryLimitOf(name: string): number | undefined {
  if (name === 'producer') return LIMITS.producerMiB;
  return isConsumer(name) ? LIMITS.consumerMiB : undefined;
}

export function isConsumer(name: string): boolean {
  return name.startsWith('consumer-');
}

function reconciliationRows({ reconciliation: { answer, reason }, processesAfter }: EndToEndRun): VerdictRow[] {
  if (answer === undefined) return [told('reconcile', reason)];
  const producer = processesAfter.find(({ name }) => name === 'producer');
  return [
    { what: 'reconcile', measured: answer.verdict, limit: 'holds', isReached: answer.verdict === 'holds' },
    told('reconcile, s', answer.seconds.toFixed(1)),
    atLeast('reconcile, orders/s', answer.ordersPerSecond, LIMITS.reconciledPerSecond),
    ...(producer === undefined
      ? []
      : [atMost('producer, peak RSS with the reconciliation, MiB', producer.peakRssMiB, LIMITS.producerMiB, whole)]),
  ];
}

function memoryRows({ growth }: EndToEndRun, { name, peakRssMiB }: ProcessTotal): VerdictRow[] {
  const limit = memoryLimitOf(name);
  const peak = `${name}, peak RSS, MiB`;
  if (limit === undefined) return [told(peak, whole(peakRssMiB))];
  const grown = growth[name];
  const level = `${name}, RSS of the last quarter / the second`;
  return [
    atMost(peak, peakRssMiB, limit, whole),
    grown === undefined ? told(level, 'too short') : atMost(level, grown, LIMITS.growth, (value) => value.toFixed(2)),
  ];
}

function told(what: string, measured: string): VerdictRow {
  return { what, measured, limit: '', isReached: undefined };
}

function atMost(what: string, value: number, limit: number, format: (value: number) => string): VerdictRow {
  return { what, measured: format(value), limit: `<= ${format(limit)}`, isReached: value <= limit };
}

function atLeast(what: string, value: number, limit: number): VerdictRow {
  return { what, measured: whole(value), limit: `>= ${whole(limit)}`, isReached: value >= limit };
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
