import { alignedRows } from '../terminal/aligned-rows.js';
import type { ComparedWay } from './compared-way.js';
import type { ComparisonReport } from './comparison.js';
import { figure } from './figure.js';

const HEADINGS = ['way', 'consumers', 'in flight', 'seconds', 'orders/s', 'theory', 'ratio', 'faster'];
/** The left-aligned columns: labels. Figures are right-aligned. */
const LEFT = new Set([0]);

/** Formats the results as a table for the terminal, with explanations below it. */
export function comparisonTable({
  orders,
  noisy,
  results,
}: Pick<ComparisonReport, 'orders' | 'noisy' | 'results'>): string {
  const rows = alignedRows([HEADINGS, ...results.map((way) => cellsOf(way))], LEFT);
  const samples = results.filter(({ sampled }) => sampled);
  return [
    ...rows,
    '',
    'theory: the waits of these orders alone, without any other time; ratio: theory / measured.',
    ...(samples.length === 0 ? [] : [sampleNote(samples, orders)]),
    ...results.flatMap((way) => verdictOf(way, orders)),
    ...(noisy ? ['noisy: other things ran on the machine.'] : []),
  ].join('\n');
}

function cellsOf({ label, consumers, inFlight, sampled, seconds, ...way }: ComparedWay): string[] {
  return [
    label,
    String(consumers),
    inFlight.toLocaleString('en-US'),
    seconds === null ? '' : `${sampled ? '~' : ''}${figure(seconds)}`,
    way.ordersPerSecond === null ? '' : figure(way.ordersPerSecond),
    figure(way.theorySeconds),
    way.ratio === null ? '' : way.ratio.toFixed(2),
    way.timesFaster === null ? '' : `${figure(way.timesFaster)}x`,
  ];
}

function sampleNote(samples: readonly ComparedWay[], orders: number): string {
  const each = samples.map(({ name, measuredOrders, measuredSeconds }) => {
    const seconds = measuredSeconds === null ? '' : ` in ${figure(measuredSeconds)} s`;
    return `${name} ${measuredOrders}${seconds}`;
  });
  return `~ calculated for ${orders} orders from a sample of the first ones (all of them with --full): ${each.join(', ')}.`;
}

function verdictOf({ name, seconds, wantedSeconds }: ComparedWay, orders: number): string[] {
  if (seconds === null || wantedSeconds === null) return [];
  const verdict = seconds <= wantedSeconds ? 'reached' : 'MISSED';
  return [`${name}: ${orders} orders in ${figure(seconds)} s, wanted ${wantedSeconds} s: ${verdict}.`];
}
