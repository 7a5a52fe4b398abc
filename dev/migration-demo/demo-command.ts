import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { wholeNumber } from '../../apps/cli/src/commands/option-values.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { explain, StackError } from '../stack-error.js';
import { listenForStops, StopCounter } from '../supervisor/stop-requests.js';
import { BUG_NAMES, bugOf, TRANSLATION_BUGS } from './bugs/translation-bugs.js';
import type { DemoOptions } from './demo-options.js';
import { runDemo } from './demo-run.js';
import { verdictsOf, type DemoReport } from './report/demo-report.js';
import { htmlOf } from './report/report-html.js';
import { markdownOf } from './report/report-markdown.js';

interface GivenOptions {
  readonly bug: string;
  readonly orders: number;
  readonly rate: number;
  readonly report: string;
}

const BUGS_HELP = `
Bugs:
${TRANSLATION_BUGS.map(({ name, description }) => `  ${name.padEnd(18)} ${description}`).join('\n')}

The gate has its defaults, such as 1,000 samples for each step. Its settings in the environment apply, such as
GATE_MIN_SAMPLES or GATE_P99_FLOOR_MS, and those of the automatic rollback (ROLLBACK_…).

Exit codes:
  0  no wrong answer, no order lost, doubled or different, and every failed request allowed
  1  a check failed, or the demo could not go on
  2  the command line is invalid`;

/** Adds `migration demo`. It is no command of the CLI: it starts the apps, and needs the whole project. */
export function addDemoCommand(migration: Command): void {
  migration
    .command('demo')
    .description('run a whole migration, from off to complete, on servers of its own: about 5 minutes')
    .option('--bug <name>', 'the translation bug that shadow must catch', TRANSLATION_BUGS[0].name)
    .option('--report <folder>', 'folder of report.md and report.html', join('.data', 'migration-demo'))
    .option('--orders <n>', 'orders in the legacy system', wholeNumber, 100_000)
    .option('--rate <n>', 'requests per second', wholeNumber, 150)
    .addHelpText('after', BUGS_HELP)
    .action(async (given: GivenOptions) => {
      process.exitCode = await demo(given);
    });
}

async function demo(given: GivenOptions): Promise<number> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    const options = readOptions(given);
    const stop = interruption(print);
    const report = await runDemo(options, { print, ...stop });
    await write(report, print);
    for (const { what, found, holds } of verdictsOf(report)) print(`${holds ? 'passed' : 'FAILED'}  ${what}: ${found}`);
    return verdictsOf(report).every(({ holds }) => holds) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${explain(error).trimEnd()}\n`);
    return error instanceof StackError ? error.exitCode : 1;
  }
}

/** @throws StackError `bad-flag` */
function readOptions({ bug: name, report, ...numbers }: GivenOptions): DemoOptions {
  const bug = bugOf(name);
  if (bug === undefined)
    throw new StackError(
      'bad-flag',
      `--bug must be one of these names, got "${name}":`,
      BUG_NAMES.map((each) => `  ${each}`).join('\n'),
    );
  for (const [flag, value] of Object.entries(numbers))
    if (value < 1) throw new StackError('bad-flag', `--${flag} must be at least 1, got ${value}.`, '');
  return {
    bug,
    reportFolder: resolve(PROJECT_DIRECTORY, report),
    facadeSettings: facadeSettingsIn(process.env),
    ...numbers,
  };
}

function facadeSettingsIn(env: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.entries(env).filter(([name]) => /^(GATE|ROLLBACK)_/.test(name));
  return Object.fromEntries(given.map(([name, value = '']) => [name, value]));
}

/** Returns a signal that aborts on the first stop request. The third request ends everything at once. */
function interruption(print: (line: string) => void) {
  let kill = (): void => undefined;
  const interrupted = new AbortController();
  const counter = new StopCounter({
    first: (reason) => interrupted.abort(new StackError('interrupted', `The demo was ended (${reason}).`, '')),
    again: () => print('still stopping; one more request ends everything at once'),
    force: () => {
      kill();
      process.exit(1);
    },
  });
  listenForStops(counter, process.env);
  const onStack = (killStack: () => void): void => {
    kill = killStack;
  };
  return { signal: interrupted.signal, onStack };
}

async function write(report: DemoReport, print: (line: string) => void): Promise<void> {
  const { reportFolder } = report.options;
  await mkdir(reportFolder, { recursive: true });
  const files = { 'report.md': markdownOf(report), 'report.html': htmlOf(report) };
  for (const [name, text] of Object.entries(files)) await writeFile(join(reportFolder, name), text);
  print(
    `written: ${Object.keys(files)
      .map((name) => join(reportFolder, name))
      .join(', ')}`,
  );
}
