// The unit project, applied to the copy of the engine that `run.ts` has mutated.
import config from '../../jest.config.mjs';

const { displayName: _name, testMatch: _match, ...unit } = config.projects[0];

export default {
  ...unit,
  rootDir: process.env.MUTANT_DIRECTORY,
  testMatch: ['<rootDir>/**/*.spec.ts'],
  // The first failure is enough; its smallest counterexample is not needed. Runs are reproducible.
  bail: 1,
  setupFiles: [`${import.meta.dirname}/reproducible-runs.mjs`],
};
