// The unit project, on the copy of the engine that `run.ts` has made and mutated.
import config from '../../jest.config.mjs';

const { displayName: _name, testMatch: _match, ...unit } = config.projects[0];

export default {
  ...unit,
  rootDir: process.env.MUTANT_DIRECTORY,
  testMatch: ['<rootDir>/**/*.spec.ts'],
  // The first failure is enough, whatever its smallest example.
  bail: 1,
  setupFiles: [`${import.meta.dirname}/without-shrinking.mjs`],
};
