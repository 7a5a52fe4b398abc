import type { Machine } from '../../../../dev/machine/machine-description.js';
import type { CellResult, JourneyResult } from '../journey/journey-result.js';
import { mergedFindings } from './merged-findings.js';

/** All data of the report. */
export interface ReportedJourneys {
  readonly seed: number;
  readonly journeys: readonly JourneyResult[];
  readonly kinds: readonly string[];
  readonly columns: readonly string[];
  readonly machine: Machine;
}

const NOT_SHOWN = [
  'The servers are single: Kafka does not fail here, and MongoDB has no other member to fail over to. `npm run chaos` without `--migration` does that.',
  'The order of writes in the files of the legacy system is judged ten times a second: two writes that change places within 100 ms are not noticed.',
  'One fault at a time. Kinds follow each other closely, in another order in each journey.',
  'Clients send one request after another, at about 50 requests/s in all: this is no load test.',
];

const PASSED = '✓';
const FAILED = '**✗**';
const EMPTY = '';

/** Renders the report as Markdown. */
export function migrationReport({ seed, journeys, kinds, columns, machine }: ReportedJourneys): string {
  const findings = mergedFindings(journeys);
  const cells = journeys.flatMap((journey) => journey.cells);
  const commits = [...new Set(journeys.map(({ commit }) => commit))];
  const minutes = journeys.reduce((sum, { tookMs }) => sum + tookMs, 0) / 60_000;
  const [first, last] = [journeys[0]?.journey ?? 0, journeys.at(-1)?.journey ?? 0];
  return [
    `# ${findings.every(({ holds }) => holds) ? 'All checks passed' : 'A check failed'}`,
    '',
    `Faults during a migration: seed ${seed}, ${journeys.length} journeys from \`off\` to \`complete\` and twice back, ${cells.length} faults in ${minutes.toFixed(0)} minutes; commit ${commits.join(', ')}; ${machine.cores} cores, ${machine.memoryGiB} GiB.`,
    '',
    `To run it again: \`npm run chaos -- --migration --seed ${seed} --journeys ${first}-${last}\`. The same seed draws the same faults; what the migration is doing when each one begins differs from run to run.`,
    '',
    ...table(
      ['check', 'result', 'measured'],
      findings.map(({ name, holds, detail }) => [name, holds ? 'passed' : '**failed**', escaped(detail)]),
    ),
    '',
    '## Kinds of faults, by stage and by change of stage',
    '',
    'Each cell: whether everything worked again within a minute, and how many requests of clients failed, of how many. Where none may fail, none did.',
    '',
    ...table(
      ['', ...kinds],
      columns.map((column) => [column, ...kinds.map((kind) => cellText(cells, column, kind))]),
    ),
    '',
    '## Failed requests',
    '',
    ...failedRequests(journeys),
    '',
    '## Faults',
    '',
    ...kindTable(kinds, cells),
    '',
    '## What this does not show',
    '',
    ...NOT_SHOWN.map((line) => `- ${line}`),
    '',
  ].join('\n');
}

/** @returns an empty text for a fault that was not injected there */
export function cellText(cells: readonly CellResult[], column: string, kind: string): string {
  const own = cells.filter((cell) => cell.column === column && cell.kind === kind);
  if (own.length === 0) return EMPTY;
  const sum = (of: (cell: CellResult) => number): number => own.reduce((total, cell) => total + of(cell), 0);
  const failed = sum((cell) => cell.failed);
  const mark = own.every(({ recoveredMs }) => recoveredMs !== null) ? PASSED : FAILED;
  return `${mark} ${failed}/${failed + sum((cell) => cell.answered)}`;
}

/** Names the cells of the table that are empty. */
export function emptyCells({ kinds, columns, journeys }: Omit<ReportedJourneys, 'machine' | 'seed'>): string[] {
  const cells = journeys.flatMap((journey) => journey.cells);
  return columns.flatMap((column) =>
    kinds.filter((kind) => cellText(cells, column, kind) === EMPTY).map((kind) => `${column}: ${kind}`),
  );
}

function failedRequests(journeys: readonly JourneyResult[]): string[] {
  const byCode = new Map<string, number>();
  for (const { allowed } of journeys)
    for (const [code, count] of Object.entries(allowed)) byCode.set(code, (byCode.get(code) ?? 0) + count);
  const refusals = new Map<string, number>();
  for (const journey of journeys)
    for (const [code, count] of Object.entries(journey.refusals)) refusals.set(code, (refusals.get(code) ?? 0) + count);
  const rows = [...byCode]
    .toSorted(([, a], [, b]) => b - a)
    .map(([code, count]) => [code, count.toLocaleString('en-US')]);
  const asked = [...refusals].map(([code, count]) => `${count} x ${code}`).join(', ');
  return [
    'All allowed by the [guarantees](../facade.md#guarantees), by their code; `no answer` is a facade that was killed or paused:',
    '',
    ...table(['code', 'requests'], rows),
    '',
    `Changes that had to be asked for again: ${asked || 'none'}.`,
  ];
}

function kindTable(kinds: readonly string[], cells: readonly CellResult[]): string[] {
  const rows = kinds.flatMap((kind) => {
    const own = cells.filter((cell) => cell.kind === kind);
    if (own.length === 0) return [];
    const failed = own.reduce((sum, cell) => sum + cell.failed, 0);
    const slowest = Math.max(...own.map(({ recoveredMs }) => recoveredMs ?? Infinity));
    const rolledBack = own.filter((cell) => cell.rolledBack).length;
    return [[kind, own.length, failed, (slowest / 1_000).toFixed(1), rolledBack].map(String)];
  });
  return table(['kind', 'times', 'failed requests', 'slowest recovery, s', 'automatic rollbacks'], rows);
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
}
