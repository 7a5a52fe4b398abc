/**
 * `npm run test:mutants`: tests the engine's tests. Applies one mutant after another to the engine and runs its specs, which must fail.
 * Prints `N passed, N failed` (a killed mutant passes), and exits with 0 only if all were killed.
 */
import { availableParallelism } from 'node:os';
import { EngineCopy } from './engine-copy.js';
import { ATTEMPT_MUTANTS } from './attempt-mutants.js';
import { OFFSET_MUTANTS } from './offset-mutants.js';
import type { Mutant } from './mutant.js';
import { WINDOW_MUTANTS } from './window-mutants.js';

/** Number of mutants in parallel; each uses its own copy of the engine. */
const MAX_PARALLEL = 4;

const print = (line: string): void => console.log(line);

const only = process.argv.slice(2).join(' ');
const chosen = [...OFFSET_MUTANTS, ...ATTEMPT_MUTANTS, ...WINDOW_MUTANTS].filter(({ name }) => name.includes(only));
let passed = 0;
let failed = 0;

/** @returns what killed the mutant; `undefined` if it survived or could not be applied */
async function killerOf(mutant: Mutant, engine: EngineCopy): Promise<string | undefined> {
  try {
    const run = await engine.run(mutant);
    if (run.ended === 'green') return undefined;
    return run.ended === 'red' ? run.first : 'a timeout of the specs';
  } catch (error) {
    print(String(error));
    return undefined;
  }
}

/** Tries the remaining mutants, one after another. */
async function tryMutants(engine: EngineCopy): Promise<void> {
  for (let mutant = chosen.shift(); mutant !== undefined; mutant = chosen.shift()) {
    const startedAt = performance.now();
    const killedBy = await killerOf(mutant, engine);
    if (killedBy === undefined) failed += 1;
    else passed += 1;
    print(`${mutant.name} | ${killedBy ?? 'SURVIVED'} | ${((performance.now() - startedAt) / 1_000).toFixed(1)}`);
  }
}

const names = Array.from({ length: Math.min(MAX_PARALLEL, availableParallelism()) }, (_, at) => String(at));
const engines = await Promise.all(names.map(async (name) => EngineCopy.make(name)));
try {
  const unchanged = await engines[0]?.run();
  if (unchanged?.ended !== 'green') throw new Error(`the specs fail without a mutant: ${JSON.stringify(unchanged)}`);
  print('mutant | killed by | seconds');
  await Promise.all(engines.map(tryMutants));
} finally {
  for (const engine of engines) await engine.remove();
}
if (failed > 0 || passed === 0) process.exitCode = 1;
print(`${passed} passed, ${failed} failed`);
