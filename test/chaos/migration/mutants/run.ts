/**
 * `npm run test:migration-mutants`: tests the checks of `npm run chaos -- --migration`. Each broken version of the facade must be detected
 * by its check, and the unchanged product must pass all. Prints `N passed, N failed` (a caught mutant passes), and exits with 0 only if all
 * passed. Arguments choose mutants by a part of their name.
 */
import { startServers } from '../../cluster/cluster.js';
import { runMutants, NO_EDIT, type ProductEdits } from '../../mutants/product-mutants.js';
import { oneJourney } from '../journey.js';

/** A defect of the facade, with the faults under which it must be detected. */
interface MigrationMutant extends ProductEdits {
  /** Kinds of faults by column: see `COLUMNS`. */
  readonly faults: Readonly<Record<string, string>>;
  /** Text in the name of the check that must fail. */
  readonly caughtBy: string;
}

/** The unchanged product: a check that fails for it can't judge the mutants. */
const MIGRATION_CONTROL: MigrationMutant = {
  ...NO_EDIT,
  faults: { dualwrite: 'slow-legacy', backfill: 'late-facade', shadow: 'unanswered-legacy' },
  caughtBy: '',
};

/** Defects that lose or reorder writes of a migration when something fails. */
const MIGRATION_MUTANTS: Readonly<Record<string, MigrationMutant>> = {
  'a write is acknowledged before the primary has it': {
    file: 'dist/apps/facade/src/writes/fenced-writes.js',
    replace: 'const outcome = await this.primary.run(intent, signal);',
    by: "void this.primary.run(intent, signal);\n        const outcome = { result: 'stored' };",
    faults: { dualwrite: 'slow-legacy' },
    caughtBy: 'acknowledged write',
  },
  'an intent is forgotten after a time-out': {
    file: 'dist/apps/facade/src/writes/fenced-writes.js',
    replace: 'return { ...place, error: outcome.message };',
    by: 'return { ...place, close: true };',
    // After a backfill, the target must have every order that the legacy system has.
    faults: { backfill: 'late-facade', shadow: 'unanswered-legacy' },
    caughtBy: 'acknowledged write',
  },
  'reads of the target do not wait for open intents': {
    // Only the answers to clients: comparisons still wait, so that the gate opens, and no other check can find the defect.
    file: 'dist/apps/facade/src/reads/reads.js',
    replace: 'await intents.untilReadable(side, askedOrders(asked.read), forwarded.signal);',
    faults: { backfill: 'late-facade', live: 'pause-consumer' },
    caughtBy: 'reads its own writes',
  },
};

const SEED = 20_261_127;
/** A journey that leaves columns out can't pass this check. */
const WHOLE_JOURNEY = 'every stage was reached';

const quiet = (): void => undefined;
const only = process.argv.slice(2).join(' ');
const all = { 'control: the unchanged product': MIGRATION_CONTROL, ...MIGRATION_MUTANTS };
const chosen = Object.entries(all).filter(([name]) => name.includes(only));

await runMutants(chosen, async (directory, signal) => {
  const servers = await startServers(directory, ['--legacy'], { print: quiet, signal });
  return {
    run: async (mutant: MigrationMutant, productDirectory: string, at: number) => {
      const planned = new Map(Object.entries(mutant.faults));
      const common = { servers, seed: SEED, journey: at + 1, out: directory, productDirectory, print: quiet, signal };
      const { findings, cells } = await oneJourney({ ...common, only: planned });
      const failed = findings.filter(({ name, holds }) => !holds && !name.startsWith(WHOLE_JOURNEY));
      const missing =
        cells.length < planned.size ? [`only ${cells.length} of ${planned.size} faults were injected`] : [];
      const found = [...failed.map(({ name, detail }) => `${name}: ${detail}`), ...missing];
      const isRight =
        mutant === MIGRATION_CONTROL ? found.length === 0 : found.some((text) => text.includes(mutant.caughtBy));
      const shown = found.join(' / ').slice(0, 400);
      if (shown === '') return { isRight, how: isRight ? 'nothing, as required' : 'SURVIVED' };
      return { isRight, how: `${isRight ? '' : 'WRONG: '}${shown}` };
    },
    stop: async () => servers.end(),
  };
});
