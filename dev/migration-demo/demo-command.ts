import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { wholeNumber } from '../../apps/cli/src/commands/option-values.js';
import { explain, StackError } from '../stack-error.js';
import { listenForStops, StopCounter } from '../supervisor/stop-requests.js';
import { htmlOf, markdownOf } from '../report-document.js';
import { TRANSLATION_BUGS } from './bugs/translation-bugs.js';
import { readDemoOptions, type GivenOptions } from './demo-options.js';
import { runDemo, type DemoListener } from './demo-run.js';
import { verdictsOf, type DemoReport } from './report/demo-report.js';
import { sectionsOf } from './report/report-sections.js';

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
    const report = await runDemo(options, { print, ...interruption() });
    await write(report);
    for (const { what, found, holds } of verdictsOf(report)) print(`${holds ? 'passed' : 'FAILED'}  ${what}: ${found}`);
    return verdictsOf(report).every(({ holds }) => holds) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${explain(error).trimEnd()}\n`);
    return error instanceof StackError ? error.exitCode : 1;
  }
}

/** Returns a signal that aborts on the first stop request. The third request ends everything at once. */
function interruption(): Omit<DemoListener, 'print'> {
  // There are no processes before the stack starts.
  let kill: (() => void) | undefined;
  const interrupted = new AbortController();
  const counter = new StopCounter({
    first: (reason) => interrupted.abort(new StackError('interrupted', `The demo was ended (${reason}).`, '')),
    again: () => print('still stopping; one more request ends everything at once'),
    force: () => {
      kill?.();
      process.exit(1);
    },
  });
  listenForStops(counter, process.env);
  const onStack = (killStack: () => void): void => {
    kill = killStack;
  };
  return { signal: interrupted.signal, onStack };
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
