/**
 * Tests the engine's tests: `npm run test:mutants`. Breaks the core in one way after another, and runs its specs, which must
 * turn red each time. Ends with `N passed, N failed` (killed is passed), and 0 only when all were killed.
 */
import { availableParallelism } from 'node:os';
import { EngineCopy } from './engine-copy.js';
import { ATTEMPT_MUTANTS } from './attempt-mutants.js';
import { OFFSET_MUTANTS } from './offset-mutants.js';
import type { Mutant } from './mutant.js';
import { WINDOW_MUTANTS } from './window-mutants.js';

/** Each has a copy of the engine of its own. */
const MOST_AT_ONCE = 4;

const print = (line: string): void => console.log(line);

const only = process.argv.slice(2).join(' ');
const chosen = [...OFFSET_MUTANTS, ...ATTEMPT_MUTANTS, ...WINDOW_MUTANTS].filter(({ name }) => name.includes(only));
let passed = 0;
let failed = 0;

/** @returns what killed it; `undefined`: nothing did, or it could not be tried */
async function killerOf(mutant: Mutant, engine: EngineCopy): Promise<string | undefined> {
  try {
    const run = await engine.run(mutant);
    if (run.ended === 'green') return undefined;
    return run.ended === 'red' ? run.first : 'its own endlessness';
  } catch (error) {
    print(String(error));
    return undefined;
  }
}

/** Takes one mutant after another from those that are left. */
async function tryMutants(engine: EngineCopy): Promise<void> {
  for (let mutant = chosen.shift(); mutant !== undefined; mutant = chosen.shift()) {
    const startedAt = performance.now();
    const killedBy = await killerOf(mutant, engine);
    if (killedBy === undefined) failed += 1;
    else passed += 1;
    print(`${mutant.name} | ${killedBy ?? 'SURVIVED'} | ${((performance.now() - startedAt) / 1_000).toFixed(1)}`);
  }
}

const names = Array.from({ length: Math.min(MOST_AT_ONCE, availableParallelism()) }, (_, at) => String(at));
const engines = await Promise.all(names.map(async (name) => EngineCopy.make(name)));
try {
  const whole = await engines[0]?.run();
  if (whole?.ended !== 'green') throw new Error(`The specs are red without a mutant: ${JSON.stringify(whole)}`);
  print('mutant | killed by | seconds');
  await Promise.all(engines.map(tryMutants));
} finally {
  for (const engine of engines) await engine.remove();
}
if (failed > 0 || passed === 0) process.exitCode = 1;
print(`${passed} passed, ${failed} failed`);
