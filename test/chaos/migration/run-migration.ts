import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describeMachine } from '../../../dev/machine/machine.js';
import { markdownOf, type ReportDocument } from '../../../dev/report-document.js';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import { figure, reportOf, type Finding } from '../findings.js';
import { startServers } from '../cluster/cluster.js';
import { type MigrationOptions, inRunFolder } from '../options.js';
import { oneJourney } from './journey.js';
import { describeFigures, type CellResult, type JourneyResult } from './journey-findings.js';
import { COLUMNS, MIGRATION_FAULTS } from './migration-faults.js';

const KINDS = MIGRATION_FAULTS.map(({ name }) => name);
const NOT_SHOWN = [
  'The servers are single: Kafka does not fail here, and MongoDB has no other member to fail over to. `npm run chaos` without `--migration` does that.',
  'The order of writes in the files of the legacy system is judged ten times a second: two writes that change places within 100 ms are not noticed.',
  'One fault at a time. Kinds follow each other closely, in another order in each journey.',
  'Clients send one request after another, at about 50 requests/s in all: this is no load test.',
];

const PASSED = '✓';
const FAILED = '**✗**';
const EMPTY = '';

/**
 * `npm run chaos -- --migration`: makes journeys from `off` to `complete` with a fault in every stage and during every change of stage.
 * @returns the exit code: 0 if all checks of these journeys passed
 */
export async function runMigration(
  { seed, keep, out: folder, journeys: [first, last] }: MigrationOptions,
  print: (line: string) => void,
): Promise<number> {
  const out = resolve(PROJECT_DIRECTORY, folder);
  await mkdir(out, { recursive: true });
  print(`seed ${seed}, journeys ${first} to ${last}`);
  return inRunFolder({ print, keep }, async (directory, signal) => {
    const made: JourneyResult[] = [];
    const servers = await startServers(directory, ['--legacy'], { print, signal });
    let left: readonly string[] = [];
    try {
      for (let journey = first; journey <= last && !signal.aborted; journey += 1) {
        print(`journey ${journey}`);
        const result = await oneJourney({ servers, seed, journey, out, print, signal });
        if (signal.aborted) break;
        await writeFile(join(out, `journey-${journey}.json`), JSON.stringify(result, undefined, 2));
        made.push(result);
      }
    } finally {
      left = await servers.end();
    }
    for (const name of left) print(`${name} was still running after the stop`);
    await writeReport(out, seed);
    const findings = made.flatMap((journey) => journey.findings);
    const failed = findings.filter(({ holds }) => !holds);
    for (const { name, detail } of failed) console.log(`FAILED ${name}: ${detail}`);
    console.log(`${findings.length - failed.length} passed, ${failed.length} failed`);
    return failed.length + left.length === 0 && made.length === last - first + 1 ? 0 : 1;
  });
}

/** Writes the report of all journeys of this seed in the folder, so that a long run can be made in parts. */
async function writeReport(out: string, seed: number): Promise<void> {
  const names = (await readdir(out)).filter((name) => /^journey-\d+\.json$/.test(name));
  const all = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(out, name), 'utf8')) as JourneyResult),
  );
  const journeys = all.filter((each) => each.seed === seed).toSorted((a, b) => a.journey - b.journey);
  const cells = journeys.flatMap((journey) => journey.cells);
  const table = COLUMNS.map(({ name }) => [name].concat(KINDS.map((kind) => cellText(cells, name, kind))));
  const empty = table.flat().filter((text) => text === EMPTY).length;
  await writeFile(join(out, 'report.md'), markdownOf(migrationReport(seed, journeys, table)));
  console.log(`${join(out, 'report.md')}: ${empty === 0 ? 'no empty cell' : `${empty} empty cells`}`);
}

/** Returns the report of all journeys. */
function migrationReport(seed: number, journeys: readonly JourneyResult[], table: string[][]): ReportDocument {
  const { cores, memoryGiB } = describeMachine();
  const findings = mergedFindings(journeys);
  const cells = journeys.flatMap((journey) => journey.cells);
  const commits = [...new Set(journeys.map(({ commit }) => commit))];
  const minutes = journeys.reduce((sum, { tookMs }) => sum + tookMs, 0) / 60_000;
  const [first, last] = [journeys[0]?.journey ?? 0, journeys.at(-1)?.journey ?? 0];
  const allowed = summedCounts(journeys.map((journey) => journey.allowed)).toSorted(([, a], [, b]) => b - a);
  const refusals = summedCounts(journeys.map((journey) => journey.refusals));
  const text = [
    `Faults during a migration: seed ${seed}, ${journeys.length} journeys from \`off\` to \`complete\` and twice back, ${cells.length} faults in ${minutes.toFixed(0)} minutes; commit ${commits.join(', ')}; ${cores} cores, ${memoryGiB} GiB.`,
    `To run it again: \`npm run chaos -- --migration --seed ${seed} --journeys ${first}-${last}\`. The same seed draws the same faults; what the migration is doing when each one begins differs from run to run.`,
  ];
  return reportOf(findings, text, [
    {
      heading: 'Kinds of faults, by stage and by change of stage',
      text: [
        'Each cell: whether everything worked again within a minute, and how many requests of clients failed, of how many. Where none may fail, none did.',
      ],
      table: { head: ['', ...KINDS], rows: table },
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
        rows: kindRows(cells),
      },
    },
    { heading: 'What this does not show', text: NOT_SHOWN },
  ]);
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

function kindRows(cells: readonly CellResult[]): string[][] {
  return KINDS.flatMap((kind) => {
    const own = cells.filter((cell) => cell.kind === kind);
    if (own.length === 0) return [];
    const failed = own.reduce((sum, cell) => sum + cell.failed, 0);
    const slowest = Math.max(...own.map(({ recoveredMs }) => recoveredMs ?? Infinity));
    const rolledBack = own.filter((cell) => cell.rolledBack).length;
    return [[kind, own.length, failed, (slowest / 1_000).toFixed(1), rolledBack].map(String)];
  });
}

/** Merges the findings of several journeys: a check passes if it passes in all of them. */
function mergedFindings(journeys: readonly JourneyResult[]): Finding[] {
  const all = journeys.flatMap(({ journey, findings }) => findings.map((finding) => ({ journey, ...finding })));
  return [...Map.groupBy(all, ({ name }) => name)].map(([name, found]) => {
    const failed = found.filter(({ holds }) => !holds);
    return {
      name,
      holds: failed.length === 0 && found.length === journeys.length,
      detail:
        failed.map(({ journey, detail }) => `journey ${journey}: ${detail}`).join('; ') ||
        describeFigures(Object.fromEntries(summedCounts(found.map(({ measured }) => measured)))),
    };
  });
}
