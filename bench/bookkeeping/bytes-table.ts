import type { StoredBytes } from './stored-bytes.js';

/** The bytes of one workload, in bytes per million orders. */
export interface MeasuredBytes {
  readonly workload: string;
  readonly before: StoredBytes;
  readonly after: StoredBytes;
}

/** What the orders themselves need, and what Kafka keeps for its groups. */
const NOT_BOOKKEEPING = new Set(['orders', 'topic orders.v1', 'topic __consumer_offsets']);
/** Bytes of which a table shows nothing. */
const NEGLIGIBLE = 500;

/** Returns a table in Markdown: kilobytes per million orders before and after compaction, by collection and topic. */
export function bytesTable(measured: readonly MeasuredBytes[]): string {
  const names = [...new Set(measured.flatMap(({ before, after }) => [...before.keys(), ...after.keys()]))].toSorted();
  const shown = names.filter((name) =>
    measured.some(({ before, after }) => (before.get(name) ?? 0) + (after.get(name) ?? 0) >= NEGLIGIBLE),
  );
  const rows = shown.map((name) =>
    [name].concat(measured.map(({ before, after }) => cell(before.get(name), after.get(name)))),
  );
  const sums = measured.map(({ before, after }) => cell(bookkeeping(before), bookkeeping(after)));
  const shares = measured.map(({ before, after }) => (bookkeeping(after) / bookkeeping(before)).toFixed(3));
  return [
    ['kB per million orders', ...measured.map(({ workload }) => workload)],
    ['---', ...measured.map(() => '---')],
    ...rows,
    ['**bookkeeping**', ...sums],
    ['after / before', ...shares],
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** Sums up everything but the orders and their topic. */
export function bookkeeping(bytes: StoredBytes): number {
  return [...bytes].reduce((sum, [name, each]) => sum + (NOT_BOOKKEEPING.has(name) ? 0 : each), 0);
}

function cell(before = 0, after = 0): string {
  return `${kilobytes(before)} → ${kilobytes(after)}`;
}

function kilobytes(bytes: number): string {
  return Math.round(bytes / 1_000).toLocaleString('en-US');
}
