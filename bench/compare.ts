import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { SaveBounds } from '#orders/consumer/simulated-save.js';
import { integerFlag, millisecondsFlag, onlyOption, parseFlags, pathFlag } from '../dev/flags.js';
import { currentCommit, describeMachine, isBusy } from '../dev/machine/machine.js';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import { explain, StackError } from '../dev/stack-error.js';
import { interruption } from '../dev/supervisor/stop-requests.js';
import { renderPng } from './charts.js';
import {
  COMPARED,
  type ComparedWay,
  compareWays,
  type ComparisonOptions,
  comparisonTable,
  WAY_NAMES,
} from './comparison.js';
import { comparisonChart } from './figures.js';
import { ConsumingStack } from './stacks.js';

/**
 * `npm run compare`: saves the same orders one after another, one at a time per partition, and in flight, through a real pipeline
 * of its own, and compares the times with the theoretical minimum. The table goes to stdout, progress messages to stderr, and
 * JSON, SVG and PNG to files.
 */

interface CompareFlags extends Omit<ComparisonOptions, 'full'> {
  readonly full?: boolean;
  readonly out: string;
  readonly json?: string;
}

const FLAGS = new Command('npm run compare --')
  .description('Saves the same orders in several ways, and compares the times.')
  .option('--full', 'measure all orders in every way (13 minutes) instead of samples')
  .addOption(
    onlyOption(
      WAY_NAMES,
      `measure only this way, repeatable: ${WAY_NAMES.join(', ')}, or the beginning of these names`,
    ),
  )
  .option('--orders <n>', 'number of orders, 1 to 10,000', integerFlag(1, 10_000), COMPARED.orders)
  .addOption(
    new Option('--save-ms <min..max>', 'duration of the simulated save in milliseconds')
      .argParser(someMilliseconds)
      .default(COMPARED.saveMs, '0..1000'),
  )
  .option('--seed <n>', 'seed of the orders and of their saves', integerFlag(0, Number.MAX_SAFE_INTEGER), COMPARED.seed)
  .addOption(
    new Option('--out <folder>', 'folder of compare.svg, compare.png and compare.json')
      .argParser(pathFlag)
      .default(join(PROJECT_DIRECTORY, '.data', 'compare'), '.data/compare'),
  )
  .option('--json <file>', 'file of the JSON report, instead of compare.json in that folder', pathFlag);

/** Without any wait there is nothing to compare, and no theoretical minimum. */
function someMilliseconds(text: string): SaveBounds {
  const bounds = millisecondsFlag(text);
  if (bounds.maximum >= 1) return bounds;
  throw new InvalidArgumentError('The maximum must be at least 1.');
}

const print = (line: string): void => void process.stderr.write(`${line}\n`);

async function run(): Promise<void> {
  const flags = parseFlags(FLAGS, process.argv.slice(2)).opts<CompareFlags>();
  const { orders, seed, saveMs, full = false, out, json = join(out, 'compare.json') } = flags;
  const settings = join(PROJECT_DIRECTORY, '.env');
  if (existsSync(settings)) process.loadEnvFile(settings);
  const stops = interruption('The comparison', print);
  // Before the servers start: their load must not count as the machine's.
  const machine = describeMachine();
  const noisy = isBusy(machine);
  const stack = await ConsumingStack.start({ print, signal: stops.signal });
  stops.onForce(() => stack.kill());
  let results: ComparedWay[];
  try {
    results = await compareWays({ ...flags, full }, stack, { print, signal: stops.signal });
  } finally {
    print('stopping the servers');
    await stack.stop();
  }
  console.log(comparisonTable(orders, results, noisy));
  const report = { commit: currentCommit(), machine, noisy, orders, seed, saveMs, full, results };
  const svg = comparisonChart(report);
  const files = new Map<string, string | Buffer>([
    [json, `${JSON.stringify(report, null, 2)}\n`],
    [join(out, 'compare.svg'), svg],
    [join(out, 'compare.png'), renderPng(svg)],
  ]);
  for (const [file, content] of files) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  print(`written: ${[...files.keys()].join(', ')}`);
}

try {
  await run();
} catch (error) {
  print(`\n${explain(error).trimEnd()}`);
  process.exitCode = error instanceof StackError ? error.exitCode : 1;
}
