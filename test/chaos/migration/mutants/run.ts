/**
 * `npm run test:migration-mutants`: tests the checks of `npm run chaos -- --migration`. Each broken version of the facade must be detected
 * by its check, and the unchanged product must pass all. Prints `N passed, N failed` (a caught mutant passes), and exits with 0 only if all
 * passed. Arguments choose mutants by a part of their name.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeAbandonedRuns, RUN_PREFIX } from '../../cluster/abandoned-runs.js';
import { MutatedProduct, type ProductMutant } from '../../mutants/mutated-product.js';
import { MigrationServers } from '../ground/migration-servers.js';
import { COLUMNS } from '../fault-table.js';
import { oneJourney } from '../one-journey.js';

/** A defect of the facade, with the faults under which it must be detected. */
interface MigrationMutant extends Pick<ProductMutant, 'name' | 'edits'> {
  /** Kinds of faults by column: see `COLUMNS`. */
  readonly faults: Readonly<Record<string, string>>;
  /** Text in the name of the check that must fail. */
  readonly caughtBy: string;
}

/** The unchanged product: checks that fail for it prove nothing for the mutants. */
const MIGRATION_CONTROL: MigrationMutant = {
  name: 'control: the unchanged product',
  edits: [],
  faults: { dualwrite: 'slow-legacy', backfill: 'late-facade', shadow: 'unanswered-legacy' },
  caughtBy: '',
};

/** Defects that lose or reorder writes of a migration when something fails. */
const MIGRATION_MUTANTS: readonly MigrationMutant[] = [
  {
    name: 'a write is acknowledged before the side that answers has it',
    edits: [
      {
        file: 'dist/apps/facade/src/writes/fenced-writes.js',
        replace: 'const outcome = await this.parts.answering.run(intent, signal);',
        by: "void this.parts.answering.run(intent, signal);\n        const outcome = { result: 'stored' };",
      },
    ],
    faults: { dualwrite: 'slow-legacy' },
    caughtBy: 'acknowledged write',
  },
  {
    name: 'an intent is forgotten after a time-out',
    edits: [
      {
        file: 'dist/apps/facade/src/intents/answering-write.js',
        replace: 'return { ...place, error: outcome.message };',
        by: 'return { ...place, close: true };',
      },
    ],
    // After a backfill, the new side must have every order that the legacy system has.
    faults: { backfill: 'late-facade', shadow: 'unanswered-legacy' },
    caughtBy: 'acknowledged write',
  },
  {
    name: 'reads of the new side do not wait for open intents',
    edits: [
      {
        file: 'dist/apps/facade/src/intents/intent.js',
        replace: "return intent.new === 'open' || intent.new === 'sent';",
        by: 'return false;',
      },
    ],
    faults: { backfill: 'late-facade', live: 'pause-consumer' },
    caughtBy: 'reads its own writes',
  },
];

const SEED = 20_261_127;
/** A journey that leaves columns out can't pass this check. */
const WHOLE_JOURNEY = 'every stage was reached';

const print = (line: string): void => console.log(line);
const quiet = (): void => undefined;
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => (interrupted.signal.aborted ? process.exit(130) : interrupted.abort()));

const only = process.argv.slice(2).join(' ');
const chosen = [MIGRATION_CONTROL, ...MIGRATION_MUTANTS].filter(({ name }) => name.includes(only));
await removeAbandonedRuns(tmpdir(), print);
const directory = await mkdtemp(join(tmpdir(), RUN_PREFIX));
let passed = 0;

/** @returns the failed checks, those about stages that a journey without all columns fails left out */
async function failedChecks(
  servers: MigrationServers,
  product: MutatedProduct,
  mutant: MigrationMutant,
  journey: number,
): Promise<readonly string[]> {
  const revert = await product.put(mutant);
  try {
    const { findings, cells } = await oneJourney({
      servers,
      seed: SEED,
      journey,
      out: directory,
      productDirectory: product.directory,
      only: new Map(Object.entries(mutant.faults)),
      print: quiet,
      signal: interrupted.signal,
    });
    const wanted = COLUMNS.filter(({ name }) => name in mutant.faults).length;
    const failed = findings.filter(({ name, holds }) => !holds && !name.startsWith(WHOLE_JOURNEY));
    const missing = cells.length < wanted ? [`only ${cells.length} of ${wanted} faults were injected`] : [];
    return [...failed.map(({ name, detail }) => `${name}: ${detail}`), ...missing];
  } finally {
    await revert();
  }
}

try {
  const product = await MutatedProduct.at(join(directory, 'product'));
  const servers = await MigrationServers.start(directory, quiet, interrupted.signal);
  try {
    print('mutant | caught by | seconds');
    for (const [at, mutant] of chosen.entries()) {
      if (interrupted.signal.aborted) break;
      const began = performance.now();
      const failed = await failedChecks(servers, product, mutant, at + 1);
      const isRight =
        mutant === MIGRATION_CONTROL ? failed.length === 0 : failed.some((text) => text.includes(mutant.caughtBy));
      if (isRight) passed += 1;
      const found = failed.join(' / ').slice(0, 400);
      const how =
        found === '' ? (isRight ? 'nothing, as required' : 'SURVIVED') : `${isRight ? '' : 'WRONG: '}${found}`;
      print(`${mutant.name} | ${how} | ${((performance.now() - began) / 1_000).toFixed(0)}`);
    }
  } finally {
    await servers.stop();
  }
} finally {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
print(`${passed} passed, ${chosen.length - passed} failed`);
process.exit(passed === chosen.length ? 0 : 1);
