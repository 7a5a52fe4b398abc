/**
 * `npm run chaos`: runs a whole pipeline on this machine, injects faults from a seed, and reports whether an order was lost, doubled,
 * altered or saved out of order; with `--migration`, a migration through the facade. Exit code 0: all checks passed; 1: a check failed; 2: wrong usage.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { currentCommit, describeMachine } from '../../dev/machine/machine-description.js';
import { htmlOf, markdownOf } from '../../dev/migration-journey/report-document.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { explain, StackError } from '../../dev/stack-error.js';
import { removeAbandonedRuns, RUN_PREFIX } from './cluster/abandoned-runs.js';
import { chaosReport, testedVersions } from './chaos-report.js';
import { chaosRun } from './chaos-run.js';
import { FAULT_KINDS } from './fault-kinds.js';
import { runMigration } from './migration/run-migration.js';
import { readChaosOptions, readMigrationOptions, type ChaosOptions } from './options.js';

const print = (line: string): void => void process.stderr.write(`${line}\n`);

/** The first signal stops new faults; the run still drains the pipeline and judges the result. The second signal exits at once. */
function interruptions(): AbortController {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (interrupted.signal.aborted) process.exit(130);
      print('interrupted: no new faults begin; interrupt again to exit at once');
      interrupted.abort();
    });
  return interrupted;
}

async function runAndReport(options: ChaosOptions): Promise<number> {
  const { seed, minutes, orders, calm: calmSeconds, only, product = 'dist', keep } = options;
  const out = resolve(PROJECT_DIRECTORY, options.out);
  await removeAbandonedRuns(tmpdir(), print);
  const directory = await mkdtemp(join(tmpdir(), RUN_PREFIX));
  const { signal } = interruptions();
  print(`seed ${seed}, ${minutes} minutes, ${orders} orders`);
  try {
    const kinds = FAULT_KINDS.filter(({ name }) => only.length === 0 || only.includes(name));
    const productDirectory = resolve(PROJECT_DIRECTORY, product);
    const machine = describeMachine();
    await mkdir(out, { recursive: true });
    const historyFile = join(out, 'history.jsonl');
    const run = { seed, minutes, orders, calmSeconds, kinds, directory, historyFile, productDirectory, print, signal };
    const chaos = await chaosRun(run);
    const reported = {
      ...chaos,
      options,
      machine,
      commit: currentCommit(),
      versions: testedVersions(chaos.mongodb),
      wasInterrupted: signal.aborted,
    };
    const document = chaosReport(reported);
    const report = markdownOf(document);
    await writeFile(join(out, 'report.md'), report);
    await writeFile(join(out, 'report.html'), htmlOf(document));
    for (const { figure } of document.sections) if (figure) await writeFile(join(out, figure.file), figure.svg);
    console.log(report);
    const failed = chaos.findings.filter(({ holds }) => !holds).length;
    console.log(`${chaos.findings.length - failed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  } finally {
    if (keep === true) print(`data and logs: ${directory}`);
    else await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

try {
  const args = process.argv.slice(2);
  process.exit(
    args.includes('--migration')
      ? await runMigration(readMigrationOptions(args), print, interruptions().signal)
      : await runAndReport(readChaosOptions(args)),
  );
} catch (error) {
  print(explain(error));
  process.exit(error instanceof StackError ? error.exitCode : 1);
}
