/**
 * `npm run chaos`: runs a whole pipeline on this machine, injects faults from a seed, and reports whether an order was lost, doubled,
 * altered or saved out of order; with `--migration`, a migration through the facade. Exit code 0: all checks passed; 1: a check failed; 2: wrong usage.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { htmlOf, markdownOf } from '../../dev/report-document.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { explain, StackError } from '../../dev/stack-error.js';
import { chaosReport } from './chaos-report.js';
import { chaosRun } from './chaos-run.js';
import { FAULT_KINDS } from './fault-kinds.js';
import { runMigration } from './migration/run-migration.js';
import { readChaosOptions, readMigrationOptions, type ChaosOptions, inRunFolder } from './options.js';

const print = (line: string): void => void process.stderr.write(`${line}\n`);

async function runAndReport(options: ChaosOptions): Promise<number> {
  const { seed, minutes, orders, calm: calmSeconds, only, keep } = options;
  const out = resolve(PROJECT_DIRECTORY, options.out);
  const kinds = FAULT_KINDS.filter(({ name }) => only.length === 0 || only.includes(name));
  const historyFile = join(out, 'history.jsonl');
  print(`seed ${seed}, ${minutes} minutes, ${orders} orders`);
  await mkdir(out, { recursive: true });
  return inRunFolder({ print, keep }, async (directory, signal) => {
    const run = { seed, minutes, orders, calmSeconds, kinds, directory, historyFile, print, signal };
    const chaos = await chaosRun(run);
    const document = chaosReport(chaos, options, signal.aborted);
    const report = markdownOf(document);
    await writeFile(join(out, 'report.md'), report);
    await writeFile(join(out, 'report.html'), htmlOf(document));
    for (const { figure } of document.sections) if (figure) await writeFile(join(out, figure.file), figure.svg);
    console.log(report);
    const failed = chaos.findings.filter(({ holds }) => !holds).length;
    console.log(`${chaos.findings.length - failed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  });
}

try {
  const args = process.argv.slice(2);
  process.exit(
    args.includes('--migration')
      ? await runMigration(readMigrationOptions(args), print)
      : await runAndReport(readChaosOptions(args)),
  );
} catch (error) {
  print(explain(error));
  process.exit(error instanceof StackError ? error.exitCode : 1);
}
