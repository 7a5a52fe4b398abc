import type { Machine } from '../../../dev/machine/machine-description.js';
import type { ReportDocument } from '../../../dev/migration-journey/report-document.js';
import { figure, type Finding } from '../checks/evidence.js';
import type { CellResult, JourneyResult } from './journey.js';

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

/** Returns the report of all journeys. */
export function migrationReport({ seed, journeys, kinds, columns, machine }: ReportedJourneys): ReportDocument {
  const findings = mergedFindings(journeys);
  const cells = journeys.flatMap((journey) => journey.cells);
  const commits = [...new Set(journeys.map(({ commit }) => commit))];
  const minutes = journeys.reduce((sum, { tookMs }) => sum + tookMs, 0) / 60_000;
  const [first, last] = [journeys[0]?.journey ?? 0, journeys.at(-1)?.journey ?? 0];
  const allowed = summedCounts(journeys.map((journey) => journey.allowed)).toSorted(([, a], [, b]) => b - a);
  const refusals = summedCounts(journeys.map((journey) => journey.refusals));
  return {
    title: findings.every(({ holds }) => holds) ? 'All checks passed' : 'A check failed',
    sections: [
      {
        heading: 'Checks',
        text: [
          `Faults during a migration: seed ${seed}, ${journeys.length} journeys from \`off\` to \`complete\` and twice back, ${cells.length} faults in ${minutes.toFixed(0)} minutes; commit ${commits.join(', ')}; ${machine.cores} cores, ${machine.memoryGiB} GiB.`,
          `To run it again: \`npm run chaos -- --migration --seed ${seed} --journeys ${first}-${last}\`. The same seed draws the same faults; what the migration is doing when each one begins differs from run to run.`,
        ],
        table: {
          head: ['check', 'result', 'measured'],
          rows: findings.map(({ name, holds, detail }) => [name, holds ? 'passed' : 'FAILED', detail]),
        },
      },
      {
        heading: 'Kinds of faults, by stage and by change of stage',
        text: [
          'Each cell: whether everything worked again within a minute, and how many requests of clients failed, of how many. Where none may fail, none did.',
        ],
        table: {
          head: ['', ...kinds],
          rows: columns.map((column) => [column, ...kinds.map((kind) => cellText(cells, column, kind))]),
        },
      },
      {
        heading: 'Failed requests',
        text: [
          'All allowed by the [guarantees](../facade.md#guarantees), by their code; `no-connection` is a facade that was killed or paused.',
          `Changes that had to be asked for again: ${refusals.map(([code, count]) => `${count} x ${code}`).join(', ') || 'none'}.`,
        ],
        table: { head: ['code', 'requests'], rows: allowed.map(([code, count]) => [code, figure(count)]) },
      },
      {
        heading: 'Faults',
        text: [],
        table: {
          head: ['kind', 'times', 'failed requests', 'slowest recovery, s', 'automatic rollbacks'],
          rows: kindRows(kinds, cells),
        },
      },
      { heading: 'What this does not show', text: NOT_SHOWN },
    ],
  };
}

function summedCounts(all: readonly Readonly<Record<string, number>>[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const counts of all)
    for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count);
  return [...sums];
}

/** @returns an empty text for a fault that was not injected there */
function cellText(cells: readonly CellResult[], column: string, kind: string): string {
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

function kindRows(kinds: readonly string[], cells: readonly CellResult[]): string[][] {
  return kinds.flatMap((kind) => {
    const own = cells.filter((cell) => cell.kind === kind);
    if (own.length === 0) return [];
    const failed = own.reduce((sum, cell) => sum + cell.failed, 0);
    const slowest = Math.max(...own.map(({ recoveredMs }) => recoveredMs ?? Infinity));
    const rolledBack = own.filter((cell) => cell.rolledBack).length;
    return [[kind, own.length, failed, (slowest / 1_000).toFixed(1), rolledBack].map(String)];
  });
}

/** Merges the findings of several journeys: a check holds if it holds in all of them. */
function mergedFindings(journeys: readonly JourneyResult[]): Finding[] {
  const all = journeys.flatMap(({ journey, findings }) => findings.map((finding) => ({ journey, finding })));
  return [...Map.groupBy(all, ({ finding }) => finding.name)].map(([name, found]) => {
    const failed = found.filter(({ finding }) => !finding.holds);
    return {
      name,
      holds: failed.length === 0 && found.length === journeys.length,
      detail:
        failed.length === 0
          ? summed(found.map(({ finding }) => finding.detail))
          : failed.map(({ journey, finding }) => `journey ${journey}: ${finding.detail}`).join('; '),
    };
  });
}

/** Adds up the figures of texts that differ in nothing else; of times, the longest one counts. */
function summed(details: readonly string[]): string {
  const byShape = Map.groupBy(details, (detail) => detail.replaceAll(FIGURE, '#'));
  return [...byShape.values()].map((alike) => sumOf(alike)).join('; ');
}

function sumOf(details: readonly string[]): string {
  const figures = details.map((detail) => detail.match(FIGURE) ?? []);
  let at = 0;
  return (details[0] ?? '').replaceAll(FIGURE, (_, __, unit: string | undefined) => {
    const values = figures.map((own) => Number((own[at] ?? '0').replaceAll(',', '').replace(' s', '')));
    at += 1;
    return unit === undefined
      ? figure(values.reduce((sum, value) => sum + value, 0))
      : `${Math.max(...values).toFixed(1)} s`;
  });
}

const FIGURE = /(\d[\d,]*(?:\.\d+)?)( s\b)?/g;
