/**
 * Tests the engine's tests: `npm run test:mutants`. Breaks the core in one way after another, and runs its specs, which must
 * turn red each time. Ends with `N passed, N failed` (killed is passed), and 0 only when all were killed.
 */
import { EngineCopy } from './engine-copy.js';
import { ATTEMPT_MUTANTS } from './attempt-mutants.js';
import { OFFSET_MUTANTS } from './offset-mutants.js';
import { WINDOW_MUTANTS } from './window-mutants.js';

const print = (line: string): void => console.log(line);

const only = process.argv.slice(2).join(' ');
const chosen = [...OFFSET_MUTANTS, ...ATTEMPT_MUTANTS, ...WINDOW_MUTANTS].filter(({ name }) => name.includes(only));
let passed = 0;
let failed = 0;

const engine = await EngineCopy.make();
try {
  const whole = await engine.run();
  if (whole.ended !== 'green') throw new Error(`The specs are red without a mutant: ${JSON.stringify(whole)}`);
  print('mutant | killed by | seconds');
  for (const mutant of chosen) {
    const startedAt = performance.now();
    const run = await engine.run(mutant);
    const killedBy = run.ended === 'red' ? run.first : run.ended === 'no-end' ? 'its own endlessness' : 'SURVIVED';
    if (run.ended === 'green') failed += 1;
    else passed += 1;
    print(`${mutant.name} | ${killedBy} | ${((performance.now() - startedAt) / 1_000).toFixed(1)}`);
  }
} finally {
  await engine.remove();
}
if (failed > 0 || passed === 0) process.exitCode = 1;
print(`${passed} passed, ${failed} failed`);
