/**
 * `npm run compare`: saves the same orders one after another, one at a time per partition, and in flight, through a real pipeline
 * of its own, and compares the times with the theoretical minimum. The table goes to stdout, progress messages to stderr, and
 * JSON, SVG and PNG to files.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { renderPng } from './charts/png.js';
import { readCompareOptions, type CompareOptions } from './compare/compare-options.js';
import { comparisonChart } from './compare/comparison-chart.js';
import { comparisonTable } from './compare/comparison-table.js';
import { compare, type ComparisonReport } from './compare/comparison.js';
import { PROJECT_DIRECTORY } from './project-directory.js';
import { explain, StackError } from './stack-error.js';
import { listenForStops, StopCounter } from './supervisor/stop-requests.js';

/** Ends all processes at once. There are none before the stack starts. */
let kill = (): void => undefined;

const print = (line: string): void => void process.stderr.write(`${line}\n`);

/** Returns a signal that aborts on the first stop request. The third request ends everything at once. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  const counter = new StopCounter({
    first: (reason) => interrupted.abort(new StackError('interrupted', `The comparison was ended (${reason}).`, '')),
    again: () => print('still stopping; one more request ends everything at once'),
    force: () => {
      kill();
      process.exit(1);
    },
  });
  listenForStops(counter, process.env);
  return interrupted.signal;
}

async function write({ directory, jsonFile }: CompareOptions, report: ComparisonReport): Promise<void> {
  const svg = comparisonChart(report);
  const files = new Map<string, string | Buffer>([
    [jsonFile, `${JSON.stringify(report, null, 2)}\n`],
    [join(directory, 'compare.svg'), svg],
    [join(directory, 'compare.png'), renderPng(svg)],
  ]);
  for (const [file, content] of files) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  print(`written: ${[...files.keys()].join(', ')}`);
}

async function run(): Promise<void> {
  const settings = join(PROJECT_DIRECTORY, '.env');
  if (existsSync(settings)) process.loadEnvFile(settings);
  const options = readCompareOptions(process.argv.slice(2));
  const signal = interruption();
  const report = await compare(options, {
    print,
    signal,
    onStack: (killStack) => {
      kill = killStack;
    },
  });
  console.log(comparisonTable(report));
  await write(options, report);
}

try {
  await run();
} catch (error) {
  print(`\n${explain(error).trimEnd()}`);
  process.exitCode = error instanceof StackError ? error.exitCode : 1;
}
