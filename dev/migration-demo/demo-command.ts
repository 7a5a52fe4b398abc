import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { wholeNumber } from '../../apps/cli/src/commands/option-values.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { htmlOf, markdownOf } from '../report-document.js';
import { explain, StackError } from '../stack-error.js';
import { interruption } from '../supervisor/stop-requests.js';
import { type DemoOptions, type DemoReport, sectionsOf, verdictsOf } from './demo-report.js';
import { runDemo } from './demo.js';
import { BUG_NAMES, bugOf, TRANSLATION_BUGS } from './translation-bugs.js';

const BUGS_HELP = `
Bugs:
${TRANSLATION_BUGS.map(({ name, description }) => `  ${name.padEnd(18)} ${description}`).join('\n')}

The gate needs 200 samples for each step, and allows a p99 of 3 s. Its settings in the environment apply, such as
GATE_MIN_SAMPLES or GATE_P99_FLOOR_MS, and those of the automatic rollback (ROLLBACK_…).

Exit codes:
  0  no wrong answer, no order lost, duplicated or different, and every failed request allowed
  1  a check failed, or the demo could not go on
  2  the command line is invalid`;

/** Adds `migration demo`. It is no command of the CLI: it starts the apps, and needs the whole project. */
export function addDemoCommand(migration: Command): void {
  migration
    .command('demo')
    .description('run a whole migration, from off to complete, on servers of its own')
    .option('--bug <name>', 'the translation bug that shadow must catch', TRANSLATION_BUGS[0].name)
    .option('--report <folder>', 'folder of report.md and report.html', join('.data', 'migration-demo'))
    .option('--orders <n>', 'orders in the legacy system', wholeNumber, 100_000)
    .option('--rate <n>', 'requests per second', wholeNumber, 30)
    .addHelpText('after', BUGS_HELP)
    .action(async (given: GivenOptions) => {
      process.exitCode = await demo(given);
    });
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function demo(given: GivenOptions): Promise<number> {
  try {
    const options = readDemoOptions(given, process.env);
    const report = await runDemo(options, { print, ...interruption('The demo', print) });
    await write(report);
    for (const { what, found, holds } of verdictsOf(report)) print(`${holds ? 'passed' : 'FAILED'}  ${what}: ${found}`);
    return verdictsOf(report).every(({ holds }) => holds) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${explain(error).trimEnd()}\n`);
    return error instanceof StackError ? error.exitCode : 1;
  }
}

async function write(report: DemoReport): Promise<void> {
  const { reportFolder } = report.options;
  await mkdir(reportFolder, { recursive: true });
  const document = sectionsOf(report);
  const files = { 'report.md': markdownOf(document), 'report.html': htmlOf(document) };
  for (const [name, text] of Object.entries(files)) await writeFile(join(reportFolder, name), text);
  print(
    `written: ${Object.keys(files)
      .map((name) => join(reportFolder, name))
      .join(', ')}`,
  );
}

/** The options as the command line gives them. */
interface GivenOptions {
  readonly bug: string;
  readonly report: string;
  readonly orders: number;
  readonly rate: number;
}

/**
 * Five minutes are enough for this many samples. The demo kills processes, and what waits for them meanwhile is far more than one answer in
 * a hundred: by the defaults, the gate would ask for as many further samples as take an hour.
 */
const DEMO_GATES = { GATE_MIN_SAMPLES: '200', GATE_P99_FLOOR_MS: '3000' };

/** @throws StackError `bad-flag` for an unknown bug, or a number below 1 */
function readDemoOptions(given: GivenOptions, env: NodeJS.ProcessEnv): DemoOptions {
  const { bug: name, report, orders, rate } = given;
  const bug = bugOf(name);
  if (bug === undefined)
    throw new StackError('bad-flag', `--bug must be one of these names, got "${name}":`, `  ${BUG_NAMES.join('\n  ')}`);
  for (const [flag, value] of Object.entries({ orders, rate }))
    if (value < 1) throw new StackError('bad-flag', `--${flag} must be at least 1, got ${value}.`, '');
  return {
    bug,
    orders,
    rate,
    facadeSettings: { ...DEMO_GATES, ...facadeSettingsIn(env) },
    reportFolder: resolve(PROJECT_DIRECTORY, report),
  };
}

function facadeSettingsIn(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const given = Object.entries(env).filter(([name]) => /^(GATE|ROLLBACK)_/.test(name));
  return Object.fromEntries(given.map(([name, value = '']) => [name, value]));
}
