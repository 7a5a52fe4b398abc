/**
 * `npm run test:mutants [-- NAME] [-- --shard K/N]`: tests the tests of the engine, the facade, the intake, the archive, the compaction, the watermark and what services share. Applies one mutant after another to a copy of the
 * source and runs its specs, which must fail. NAME: only this source, or only mutants whose name contains it. --shard: the k-th of n parts.
 * Prints `N passed, N failed` (a killed mutant passes), and exits with 0 only if all were killed.
 */
import { availableParallelism } from 'node:os';
import { ADMIN_ARCHIVE_MUTANTS, CONSUMER_ARCHIVE_MUTANTS, QUERY_ARCHIVE_MUTANTS } from './archive-mutants.js';
import { ATTEMPT_MUTANTS } from './attempt-mutants.js';
import { COMPARISON_MUTANTS } from './comparison-mutants.js';
import { EXPANSION_MUTANTS } from './expansion-mutants.js';
import { INTAKE_MUTANTS } from './intake-mutants.js';
import { INTENT_MUTANTS } from './intent-mutants.js';
import type { Mutant, MutatedSource } from './mutant.js';
import { OFFSET_MUTANTS } from './offset-mutants.js';
import { RUN_MUTANTS } from './run-mutants.js';
import { SERVICE_MUTANTS } from './service-mutants.js';
import { SourceCopy } from './source-copy.js';
import { SETTLING_MUTANTS, WATERMARK_MUTANTS } from './settling-mutants.js';
import { STAGE_MUTANTS } from './stage-mutants.js';
import { WINDOW_MUTANTS } from './window-mutants.js';
import { readChoice, shardOf } from '../support/shard.js';

const SOURCES: readonly MutatedSource[] = [
  {
    name: 'engine',
    folder: 'libs/parallel-consumer/src',
    specs: 'behaviour/model.property',
    mutants: [...OFFSET_MUTANTS, ...ATTEMPT_MUTANTS, ...WINDOW_MUTANTS],
  },
  {
    name: 'facade',
    folder: 'apps/facade/src',
    specs: 'random-walks.property',
    mutants: [...STAGE_MUTANTS, ...INTENT_MUTANTS, ...COMPARISON_MUTANTS, ...RUN_MUTANTS],
  },
  {
    name: 'intake',
    folder: 'apps/producer/src',
    specs: 'intake/intake-crash.property',
    mutants: [...INTAKE_MUTANTS, ...EXPANSION_MUTANTS],
  },
  {
    name: 'compaction',
    folder: 'apps/producer/src',
    specs: 'compaction/',
    unchanged: 'compaction/',
    mutants: SETTLING_MUTANTS,
  },
  {
    name: 'query-api',
    folder: 'apps/query-api/src',
    specs: 'freshness/complete-through',
    unchanged: 'freshness/complete-through',
    mutants: WATERMARK_MUTANTS,
  },
  {
    name: 'service',
    folder: 'libs/service/src',
    specs: 'process/logged-requests',
    unchanged: 'logged-requests|issuer-keys|audit/|http-shell',
    mutants: SERVICE_MUTANTS,
  },
  {
    name: 'archive',
    folder: 'apps/admin/src',
    specs: 'archive/archive-run',
    unchanged: 'archive/',
    mutants: ADMIN_ARCHIVE_MUTANTS,
  },
  {
    name: 'archive in consumers',
    folder: 'apps/consumer/src',
    specs: 'save/archived-orders',
    unchanged: 'save/archived-orders',
    mutants: CONSUMER_ARCHIVE_MUTANTS,
  },
  {
    name: 'archive in queries',
    folder: 'apps/query-api/src',
    specs: 'orders/number-holes',
    unchanged: 'orders/number-holes|summary/rollup-keeper',
    mutants: QUERY_ARCHIVE_MUTANTS,
  },
];

/** Number of mutants in parallel; each uses its own copy of the source. */
const MAX_PARALLEL = 4;

const print = (line: string): void => console.log(line);

const { only, shard } = readChoice(process.argv.slice(2));
let passed = 0;
let failed = 0;

/** @returns what killed the mutant; `undefined` if it survived or could not be applied */
async function killerOf(mutant: Mutant, copy: SourceCopy): Promise<string | undefined> {
  try {
    const run = await copy.run(mutant);
    if (run.ended === 'green') return undefined;
    return run.ended === 'red' ? run.first : 'a timeout of the specs';
  } catch (error) {
    print(String(error));
    return undefined;
  }
}

/** Tries the remaining mutants, one after another. */
async function tryMutants(remaining: Mutant[], copy: SourceCopy): Promise<void> {
  for (let mutant = remaining.shift(); mutant !== undefined; mutant = remaining.shift()) {
    const startedAt = performance.now();
    const killedBy = await killerOf(mutant, copy);
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
    const unchanged = await copies[0]?.run();
    if (unchanged?.ended !== 'green')
      throw new Error(`the specs of the ${source.name} fail without a mutant: ${JSON.stringify(unchanged)}`);
    print(`${source.name}: mutant | killed by | seconds`);
    await Promise.all(copies.map(async (copy) => tryMutants(chosen, copy)));
  } finally {
    for (const copy of copies) await copy.remove();
  }
}

for (const source of SOURCES) await trySource(source);
if (failed > 0 || passed === 0) process.exitCode = 1;
print(`${passed} passed, ${failed} failed`);
