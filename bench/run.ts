import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { integerFlag, isSelected, onlyOption, parseFlags, pathFlag } from '../dev/flags.js';
import { currentCommit, describeMachine, isBusy, type Machine } from '../dev/machine/machine.js';
import { explain, StackError } from '../dev/stack-error.js';
import { SIMULATIONS } from './autoscaling-benchmarks.js';
import { Bench } from './bench.js';
import { BENCHMARKS } from './benchmarks.js';
import { reportOf, resultsOf, runEndToEnd } from './end-to-end.js';
import { autoscalingChart, runChart, scalingChart } from './figures.js';
import { type Result, tableOf } from './result.js';

/**
 * `npm run bench`: compares the engine with theoretical limits and with plain kafkajs, on real servers and temporary data. With
 * `--orders N` it measures the whole stack end to end instead.
 * Writes the table to stdout and progress to stderr. The exit code is 0 also when a limit is missed: only a benchmark that fails to run is
 * an error.
 */

interface BenchFlags {
  /** Benchmarks to run, by name or by the part of the name before a dash; empty: all. */
  readonly only: readonly string[];
  readonly quick?: boolean;
  /** File for the report as JSON, in addition to the table. */
  readonly json?: string;
  readonly chart?: string;
  readonly profile?: string;
  /** Runs only the end-to-end run, with this number of orders. */
  readonly orders?: number;
}

const NAMES = [...SIMULATIONS, ...BENCHMARKS].map(({ name }) => name);
const FLAGS = new Command('npm run bench --')
  .description('Measures the engine and the services, beside what limits them.')
  .addOption(onlyOption(NAMES, 'run only this benchmark, repeatable; the beginning of a name stands for all of these'))
  .option('--quick', 'smoke run: less data, one run each; its figures are not meaningful')
  .option('--json <file>', 'file of the report as JSON', pathFlag)
  .option(
    '--chart <file>',
    'file of the chart of the scaling, of the autoscaling or of the end-to-end run, as SVG',
    pathFlag,
  )
  .option('--profile <folder>', "folder of V8's CPU profiles of all contenders", pathFlag)
  .addOption(
    new Option('--orders <n>', 'measure the whole stack end to end instead, with 1 to 10,000,000 orders')
      .argParser(integerFlag(1, 10_000_000))
      .conflicts(['only', 'quick', 'profile']),
  );

const print = (line: string): void => void process.stderr.write(`${line}\n`);

/** Returns a signal that aborts on SIGINT, SIGTERM or SIGHUP. */
function interruptionSignal(): AbortSignal {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => interrupted.abort(new Error(`ended by ${name}`)));
  return interrupted.signal;
}

/** Runs the selected benchmarks one after another. A failed one is reported and skipped. */
async function measureAll({ only, quick = false, profile }: BenchFlags, signal: AbortSignal): Promise<Result[]> {
  const results: Result[] = [];
  for (const { name, about, simulate } of SIMULATIONS) {
    if (!isSelected(name, only)) continue;
    print(`${name}: ${about}`);
    results.push({ name, ...simulate(quick) });
  }
  const selected = BENCHMARKS.filter(({ name }) => isSelected(name, only));
  if (selected.length === 0) return results;
  const settings = { quick, print, signal, ...(profile !== undefined && { profileDirectory: profile }) };
  const bench = await Bench.start(settings);
  try {
    for (const { name, about, measure } of selected) {
      if (signal.aborted) break;
      print(`${name}: ${about}`);
      try {
        results.push({ name, ...(await measure(bench)) });
      } catch (error) {
        process.exitCode = 1;
        print(`${name} failed: ${explain(error)}`);
      }
    }
    return results;
  } finally {
    await bench.stop();
  }
}

async function runBenchmarks(flags: BenchFlags, signal: AbortSignal): Promise<void> {
  // Before the servers start, so that their load does not count as other load.
  const machine = describeMachine();
  const results = await measureAll(flags, signal);
  const isAutoscaling = results.every(({ name }) => name.startsWith('autoscaling-'));
  const chart = (): string => (isAutoscaling ? autoscalingChart() : scalingChart(results, machine));
  await write(flags, machine, results, chart);
}

/** Measures the whole stack. A mismatch that reconcile finds sets exit code 1, since it is a defect and not a slow result. */
async function runFromEndToEnd(orders: number, flags: BenchFlags, signal: AbortSignal): Promise<void> {
  const machine = describeMachine();
  const run = await runEndToEnd(orders, { print, signal });
  const { reconciliation } = run;
  if (typeof reconciliation !== 'string' && reconciliation.verdict === 'broken') process.exitCode = 1;
  const results = resultsOf(run, isBusy(machine));
  await write(flags, machine, results, () => runChart(run, machine), { endToEnd: reportOf(run) });
}

async function write(
  { json, chart }: BenchFlags,
  machine: Machine,
  results: readonly Result[],
  draw: () => string,
  more: object = {},
): Promise<void> {
  const noisy = isBusy(machine) || results.some((result) => result.noisy);
  console.log(tableOf(results));
  if (noisy)
    console.log('other load was running: on the machine at the start, or the runs of a limit varied by more than 15 %');
  const report = { commit: currentCommit(), machine, noisy, results, ...more };
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  if (chart !== undefined) await writeFile(chart, draw());
}

const signal = interruptionSignal();
try {
  const flags = parseFlags(FLAGS, process.argv.slice(2)).opts<BenchFlags>();
  if (flags.orders === undefined) await runBenchmarks(flags, signal);
  else await runFromEndToEnd(flags.orders, flags, signal);
} catch (error) {
  print(signal.aborted ? String(signal.reason) : explain(error));
  process.exitCode = error instanceof StackError ? error.exitCode : 1;
}
