/**
 * `npm run bench`: compares the engine with theoretical limits and with plain kafkajs, on real servers and temporary data. With
 * `--orders N` it measures the whole stack end to end instead.
 * Writes the table to stdout and progress to stderr. The exit code is 0 also when a limit is missed: only a benchmark that fails to run is
 * an error.
 */
import { writeFile } from 'node:fs/promises';
import { explain, StackError } from '../dev/stack-error.js';
import { isSelected, parseBenchOptions, type BenchOptions } from './bench-options.js';
import { autoscalingChart } from './autoscaling/autoscaling-chart.js';
import { BENCHMARKS, SIMULATIONS } from './benchmarks.js';
import { runEndToEnd } from './end-to-end/end-to-end-run.js';
import { runChart } from './end-to-end/run-chart.js';
import { reportOf, resultsOf } from './end-to-end/run-report.js';
import { verdictRows } from './end-to-end/verdict-rows.js';
import { verdictTable } from './end-to-end/verdict-table.js';
import { Bench } from './harness/bench.js';
import type { Result } from './harness/benchmark.js';
import { currentCommit, describeMachine, isBusy, type Machine } from '../dev/machine/machine-description.js';
import { tableOf } from './harness/table.js';
import { scalingChart } from './scaling/scaling-chart.js';

const print = (line: string): void => void process.stderr.write(`${line}\n`);

/** Returns a signal that aborts on SIGINT, SIGTERM or SIGHUP. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => interrupted.abort(new Error(`ended by ${name}`)));
  return interrupted.signal;
}

/** Runs the selected benchmarks one after another. A failed one is reported and skipped. */
async function measureAll({ only, quick, profileDirectory }: BenchOptions, signal: AbortSignal): Promise<Result[]> {
  const settings = { quick, print, signal, ...(profileDirectory !== undefined && { profileDirectory }) };
  const results = SIMULATIONS.filter(({ name }) => isSelected(name, only)).map((simulation) => {
    print(`${simulation.name}: ${simulation.about}`);
    return simulation.simulate(quick);
  });
  const selected = BENCHMARKS.filter(({ name }) => isSelected(name, only));
  if (selected.length === 0) return results;
  const bench = await Bench.start(settings);
  try {
    for (const benchmark of selected) {
      if (signal.aborted) break;
      print(`${benchmark.name}: ${benchmark.about}`);
      try {
        results.push(await benchmark.measure(bench));
      } catch (error) {
        process.exitCode = 1;
        print(`${benchmark.name} failed: ${explain(error)}`);
      }
    }
    return results;
  } finally {
    await bench.stop();
  }
}

async function runBenchmarks(options: BenchOptions, signal: AbortSignal): Promise<void> {
  // Before the servers start, so that their load does not count as other load.
  const machine = describeMachine();
  const results = await measureAll(options, signal);
  const noisy = isBusy(machine) || results.some((result) => result.noisy);
  console.log(tableOf(results));
  if (noisy) console.log('noisy: other processes used the machine, or the runs of a limit varied by more than 15 %');
  await writeReport(options.jsonFile, { commit: currentCommit(), machine, noisy, results });
  if (options.chartFile !== undefined) await writeFile(options.chartFile, chartOf(results, machine));
}

/** Draws the autoscaler's day if nothing but the autoscaler ran, and the scaling otherwise. */
function chartOf(results: readonly Result[], machine: Machine): string {
  const isAutoscaling = results.every(({ name }) => name.startsWith('autoscaling-'));
  return isAutoscaling ? autoscalingChart() : scalingChart(results, machine);
}

/** Measures the whole stack. A broken reconciliation sets exit code 1, since it is a defect and not a slow result. */
async function runFromEndToEnd(orders: number, options: BenchOptions, signal: AbortSignal): Promise<void> {
  const machine = describeMachine();
  const noisy = isBusy(machine);
  const endToEnd = await runEndToEnd({ orders, print, signal });
  console.log(verdictTable(verdictRows(endToEnd)));
  if (noisy) console.log('noisy: other processes used the machine');
  if (endToEnd.reconciliation.answer?.verdict === 'broken') process.exitCode = 1;
  const results = resultsOf(endToEnd, noisy);
  await writeReport(options.jsonFile, {
    commit: currentCommit(),
    machine,
    noisy,
    results,
    endToEnd: reportOf(endToEnd),
  });
  if (options.chartFile !== undefined) await writeFile(options.chartFile, runChart(endToEnd, machine));
}

async function writeReport(file: string | undefined, report: object): Promise<void> {
  if (file !== undefined) await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}

const signal = interruption();
try {
  const names = [...SIMULATIONS, ...BENCHMARKS].map(({ name }) => name);
  const options = parseBenchOptions(process.argv.slice(2), names);
  if (options.orders === undefined) await runBenchmarks(options, signal);
  else await runFromEndToEnd(options.orders, options, signal);
} catch (error) {
  print(signal.aborted ? String(signal.reason) : explain(error));
  process.exitCode = error instanceof StackError ? error.exitCode : 1;
}
