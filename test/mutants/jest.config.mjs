// The unit project, for a copy of the project that has a mutant.
import config from '../../jest.config.mjs';

const { displayName: _name, testMatch: _match, moduleNameMapper, ...unit } = config.projects[0];
// A copy has no test/; `reproducible-runs.mjs` sets the seed.
const { '^fast-check$': _seeded, ...mapped } = moduleNameMapper;

export default {
  ...unit,
  moduleNameMapper: mapped,
  rootDir: process.cwd(),
  testMatch: ['<rootDir>/**/*.spec.ts'],
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  // Runs are reproducible. The first failure is enough; its smallest counterexample is not needed.
  setupFiles: [`${import.meta.dirname}/reproducible-runs.mjs`],
  testEnvironment: `${import.meta.dirname}/mutant-environment.mjs`,
};
