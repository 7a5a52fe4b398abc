import { alignedRows } from '../../dev/terminal/aligned-rows.js';
import type { Result } from './benchmark.js';

const HEADINGS = ['benchmark', 'value', 'unit', 'limit', 'ratio', 'range', 'required', 'peak RSS', 'CPU', ''];
/** Left-aligned columns: name, unit and verdict. */
const LEFT = new Set([0, 2, 9]);

/** Formats the results as a table for the terminal: a line per result, followed by a line per note. */
export function tableOf(results: readonly Result[]): string {
  const rows = [HEADINGS, ...results.map((result) => toCells(result))];
  const lines = alignedRows(rows, LEFT);
  const [head = '', ...body] = lines;
  const blocks = results.map(({ notes }, at) => [body[at], ...notes.map((note) => `    ${note}`)].join('\n'));
  return [head, ...blocks].join('\n');
}

/** Returns whether the result meets its requirement; `undefined` when it has none. */
export function isReached({ ratio, requiredRatio, peakRssMiB, maxRssMiB }: Result): boolean | undefined {
  if (ratio === null || requiredRatio === null) return undefined;
  return ratio >= requiredRatio && (maxRssMiB === null || peakRssMiB <= maxRssMiB);
}

function toCells(result: Result): string[] {
  const { name, value, unit, limit, ratio, ratioRange, requiredRatio, peakRssMiB, maxRssMiB, cpuSeconds } = result;
  return [
    name,
    figure(value),
    unit,
    limit === null ? '' : figure(limit),
    ratio === null ? '' : ratio.toFixed(2),
    ratioRange === null ? '' : ratioRange.map((end) => end.toFixed(2)).join('..'),
    requiredRatio === null ? '' : `>= ${requiredRatio.toFixed(2)}`,
    `${Math.round(peakRssMiB)}${maxRssMiB === null ? '' : ` <= ${maxRssMiB}`} MiB`,
    `${cpuSeconds.toFixed(1)} s`,
    verdictOf(result),
  ];
}

function verdictOf(result: Result): string {
  const reached = isReached(result);
  const verdict = reached === undefined ? '' : reached ? 'reached' : 'MISSED';
  return result.noisy ? `${verdict} (noisy)`.trim() : verdict;
}

/** Formats three decimals below 10, one below 1,000, otherwise none. */
function figure(value: number): string {
  if (value < 10) return value.toFixed(3);
  if (value < 1_000) return value.toFixed(1);
  return Math.round(value).toLocaleString('en-US');
}
