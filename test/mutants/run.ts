/**
 * `npm run test:mutants [-- NAME] [-- --shard K/N]`: tests the tests of the engine, the facade, the intake, the archive, the compaction, the watermark and what services share. Applies one mutant after another to a copy of the
 * source and runs its specs, which must fail. NAME: only this source, or only mutants whose name contains it. --shard: the k-th of n parts.
 * Prints `N passed, N failed` (a killed mutant passes), and exits with 0 only if all were killed.
 */
import { availableParallelism } from 'node:os';
import type { Mutant, MutatedSource } from './mutant.js';
import { SOURCES } from './mutated-sources.js';
import { SourceCopy } from './source-copy.js';
import { readChoice, shardOf } from '../support/shard.js';

/** Number of mutants in parallel; each uses its own copy of the source. */
const MAX_PARALLEL = 4;
const UNCHANGED_WITHIN_MS = 600_000;
/** A mutant counts as killed if its specs take longer than this, and three times as long as those of the unchanged source. */
const LEAST_MUTANT_MS = 120_000;

const print = (line: string): void => console.log(line);

const { only, shard } = readChoice(process.argv.slice(2));
let passed = 0;
let failed = 0;

/** @returns what killed the mutant; `undefined` if it survived or could not be applied */
async function killerOf(mutant: Mutant, copy: SourceCopy, withinMs: number): Promise<string | undefined> {
  try {
    const run = await copy.run(withinMs, mutant);
    if (run.ended === 'green') return undefined;
    return run.ended === 'red' ? run.first : 'a timeout of the specs';
  } catch (error) {
    print(String(error));
    return undefined;
  }
}

/** Tries the remaining mutants, one after another. */
async function tryMutants(remaining: Mutant[], copy: SourceCopy, withinMs: number): Promise<void> {
  for (let mutant = remaining.shift(); mutant !== undefined; mutant = remaining.shift()) {
    const startedAt = performance.now();
    const killedBy = await killerOf(mutant, copy, withinMs);
    if (killedBy === undefined) failed += 1;
    else passed += 1;
    print(`${mutant.name} | ${killedBy ?? 'SURVIVED'} | ${((performance.now() - startedAt) / 1_000).toFixed(1)}`);
  }
}

async function trySource(source: MutatedSource): Promise<void> {
  const named = source.name === only ? source.mutants : source.mutants.filter(({ name }) => name.includes(only));
  const chosen = shardOf(named, shard);
  if (chosen.length === 0) return;
  const names = Array.from(
    { length: Math.min(MAX_PARALLEL, availableParallelism()) },
    (_, at) => `${source.name}-${at}`,
  );
  const copies = await Promise.all(names.map(async (name) => SourceCopy.make(source, name)));
  try {
    const startedAt = performance.now();
    const unchanged = await copies[0]?.run(UNCHANGED_WITHIN_MS);
    const withinMs = Math.max(LEAST_MUTANT_MS, Math.ceil(3 * (performance.now() - startedAt)));
    if (unchanged?.ended !== 'green')
      throw new Error(`the specs of the ${source.name} fail without a mutant: ${JSON.stringify(unchanged)}`);
    print(`${source.name}: mutant | killed by | seconds`);
    await Promise.all(copies.map(async (copy) => tryMutants(chosen, copy, withinMs)));
  } finally {
    for (const copy of copies) await copy.remove();
  }
}

for (const source of SOURCES) await trySource(source);
if (failed > 0 || passed === 0) process.exitCode = 1;
print(`${passed} passed, ${failed} failed`);
