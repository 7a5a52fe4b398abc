// The unit project, for a copy of the project that has a mutant.
import config from '../../jest.config.mjs';

const { displayName: _name, testMatch: _match, ...unit } = config.projects[0];

export default {
  ...unit,
  rootDir: process.cwd(),
  testMatch: ['<rootDir>/**/*.spec.ts'],
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  // Runs are reproducible. The first failure is enough; its smallest counterexample is not needed.
  setupFiles: [`${import.meta.dirname}/reproducible-runs.mjs`],
  testEnvironment: `${import.meta.dirname}/mutant-environment.mjs`,
};
