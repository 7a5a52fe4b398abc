// The unit project, applied to the copy of the engine that `run.ts` has mutated.
import config from '../../jest.config.mjs';

const { displayName: _name, testMatch: _match, moduleNameMapper, ...unit } = config.projects[0];
// A copy has no test/; the seed is set below.
const { '^fast-check$': _seeded, ...mapped } = moduleNameMapper;

export default {
  ...unit,
  moduleNameMapper: mapped,
  rootDir: process.env.MUTANT_DIRECTORY,
  testMatch: ['<rootDir>/**/*.spec.ts'],
  // The first failure is enough; its smallest counterexample is not needed. Runs are reproducible.
  bail: 1,
  setupFiles: [`${import.meta.dirname}/reproducible-runs.mjs`],
};
