import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describeMachine } from '../../../dev/machine/machine-description.js';
import { markdownOf } from '../../../dev/migration-journey/report-document.js';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import type { MigrationOptions } from '../options.js';
import { removeAbandonedRuns, RUN_PREFIX } from '../cluster/abandoned-runs.js';
import { COLUMNS } from './fault-table.js';
import { startServers } from './migration-apps.js';
import type { JourneyResult } from './journey.js';
import { MIGRATION_FAULTS } from './migration-faults.js';
import { oneJourney } from './one-journey.js';
import { emptyCells, migrationReport } from './migration-report.js';

/**
 * `npm run chaos -- --migration`: makes journeys from `off` to `complete` with a fault in every stage and during every change of stage.
 * @returns the exit code: 0 if all checks of these journeys passed
 */
export async function runMigration(
  options: MigrationOptions,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const { seed, product = 'dist', keep } = options;
  const [first, last] = options.journeys;
  const out = resolve(PROJECT_DIRECTORY, options.out);
  const productDirectory = resolve(PROJECT_DIRECTORY, product);
  await mkdir(out, { recursive: true });
  await removeAbandonedRuns(tmpdir(), print);
  const directory = await mkdtemp(join(tmpdir(), RUN_PREFIX));
  print(`seed ${seed}, journeys ${first} to ${last}`);
  const made: JourneyResult[] = [];
  try {
    const servers = await startServers(directory, print, signal);
    let left: readonly string[] = [];
    try {
      for (let journey = first; journey <= last && !signal.aborted; journey += 1) {
        print(`journey ${journey}`);
        const result = await oneJourney({ servers, seed, journey, out, productDirectory, print, signal });
        if (signal.aborted) break;
        await writeFile(join(out, `journey-${journey}.json`), JSON.stringify(result, undefined, 2));
        made.push(result);
      }
    } finally {
      left = await servers.end();
    }
    for (const name of left) print(`${name} was still running after the stop`);
    await report(out, seed);
    const findings = made.flatMap((journey) => journey.findings);
    const failed = findings.filter(({ holds }) => !holds);
    for (const { name, detail } of failed) console.log(`FAILED ${name}: ${detail}`);
    console.log(`${findings.length - failed.length} passed, ${failed.length} failed`);
    return failed.length + left.length === 0 && made.length === last - first + 1 ? 0 : 1;
  } finally {
    if (keep === true) print(`data and logs: ${directory}`);
    else await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** Writes the report of all journeys of this seed in the folder, so that a long run can be made in parts. */
async function report(out: string, seed: number): Promise<void> {
  const names = (await readdir(out)).filter((name) => /^journey-\d+\.json$/.test(name));
  const all = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(out, name), 'utf8')) as JourneyResult),
  );
  const journeys = all.filter((each) => each.seed === seed).toSorted((a, b) => a.journey - b.journey);
  const reported = {
    seed,
    journeys,
    kinds: MIGRATION_FAULTS.map(({ name }) => name),
    columns: COLUMNS.map(({ name }) => name),
    machine: describeMachine(),
  };
  const empty = emptyCells(reported);
  await writeFile(join(out, 'report.md'), markdownOf(migrationReport(reported)));
  console.log(`${join(out, 'report.md')}: ${empty.length === 0 ? 'no empty cell' : `${empty.length} empty cells`}`);
}
