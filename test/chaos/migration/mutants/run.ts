/**
 * `npm run test:migration-mutants`: tests the checks of `npm run chaos -- --migration`. Each broken version of the facade must be detected
 * by its check, and the unchanged product must pass all. Prints `N passed, N failed` (a caught mutant passes), and exits with 0 only if all
 * passed. Arguments choose mutants by a part of their name.
 */
import { startServers } from '../../cluster/cluster.js';
import { runMutants } from '../../mutants/product-mutants.js';
import { oneJourney } from '../journey.js';
import { MIGRATION_CONTROL, MIGRATION_MUTANTS, type MigrationMutant } from './migration-mutants.js';

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
