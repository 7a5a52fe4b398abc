/**
 * `npm run bench`: measures the engine against the limits and the plain ways, on real servers and temporary data.
 * The table goes to stdout, what happens meanwhile to stderr. Ends with 0 also where a limit is missed: figures are to be
 * read, and a benchmark that fails to run is another thing than one that is slow.
 */
import { writeFile } from 'node:fs/promises';
import { explain, StackError } from '../dev/stack-error.js';
import { isWanted, parseBenchOptions, type BenchOptions } from './bench-options.js';
import { BENCHMARKS } from './benchmarks.js';
import { Bench } from './harness/bench.js';
import type { Result } from './harness/benchmark.js';
import { currentCommit, describeMachine, isBusy } from './harness/machine.js';
import { tableOf } from './harness/table.js';

const print = (line: string): void => void process.stderr.write(`${line}\n`);

/** Aborts when somebody wants it to end. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => interrupted.abort(new Error(`ended by ${name}`)));
  return interrupted.signal;
}

/** Measures one after another. One that fails is told and left out, and the others go on. */
async function measureAll({ only, quick, profileDirectory }: BenchOptions): Promise<Result[]> {
  const signal = interruption();
  const settings = { quick, print, signal, ...(profileDirectory !== undefined && { profileDirectory }) };
  const bench = await Bench.start(settings);
  const results: Result[] = [];
  try {
    for (const benchmark of BENCHMARKS.filter(({ name }) => isWanted(name, only))) {
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

async function run(options: BenchOptions): Promise<void> {
  // Before the servers start, whose own load isn't the machine's.
  const machine = describeMachine();
  const results = await measureAll(options);
  const noisy = isBusy(machine) || results.some((result) => result.noisy);
  console.log(tableOf(results));
  if (noisy) console.log('noisy: other things ran on the machine, or the limits came out differently each time');
  if (options.jsonFile === undefined) return;
  const report = { commit: currentCommit(), machine, noisy, results };
  await writeFile(options.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
}

try {
  const names = BENCHMARKS.map(({ name }) => name);
  await run(parseBenchOptions(process.argv.slice(2), names));
} catch (error) {
  print(explain(error));
  process.exitCode = error instanceof StackError ? error.exitCode : 1;
}
