import { join } from 'node:path';

// Tests start many processes, each for seconds or minutes. Without the second JIT compiler, a Kafka starts in half the CPU time, and with
// V8's cache a Node process in two thirds of it.
process.env.JDK_JAVA_OPTIONS ??= '-XX:TieredStopAtLevel=1';
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'dist', '.compile-cache');

// `unit` needs nothing but Node; `real` needs the embedded Kafka, registry and MongoDB; `faults` too, and takes longer; `browser` needs Chromium besides,
// `fuzz` Schemathesis, `monitoring` Prometheus and `clients` OpenAPI Generator, which they fetch.
const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  testEnvironmentOptions: {
    customExportConditions: ['orders-source', '@orders-pipeline/source', 'node', 'node-addons'],
  },
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'],
    '^fast-check$': '<rootDir>/test/support/seeded-fast-check.mjs',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2024',
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

export default {
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/{apps,libs,dev,bench}/**/*.spec.ts', '<rootDir>/test/{chaos,mutants}/**/*.spec.ts'],
    },
    {
      ...shared,
      displayName: 'real',
      setupFilesAfterEnv: ['<rootDir>/test/support/time-limit.mjs'],
      globalSetup: '<rootDir>/test/support/shared-servers.mjs',
      globalTeardown: '<rootDir>/test/support/stop-shared-servers.mjs',
      testMatch: ['<rootDir>/test/**/*.spec.ts'],
      testPathIgnorePatterns: [
        '/node_modules/',
        '<rootDir>/test/chaos/',
        '<rootDir>/test/mutants/',
        '<rootDir>/test/faults/',
        '<rootDir>/test/secured/',
        '<rootDir>/test/browser/',
        '<rootDir>/test/fuzz/',
        '<rootDir>/test/monitoring/',
        '<rootDir>/test/packages/',
        '<rootDir>/test/clients/',
        '<rootDir>/test/kubernetes/',
        '<rootDir>/test/gateway/',
        '<rootDir>/test/upgrade/',
        '<rootDir>/test/autoscaling/',
      ],
    },
    {
      // Specs of `real` that also run on a secured stack, and those that need one.
      ...shared,
      displayName: 'secured',
      setupFiles: ['<rootDir>/test/support/secured-mode.mjs'],
      setupFilesAfterEnv: ['<rootDir>/test/support/without-time-limit.mjs'],
      testMatch: ['<rootDir>/test/secured/*.spec.ts', '<rootDir>/test/{pipeline,reconcile,console}.spec.ts'],
    },
    {
      ...shared,
      displayName: 'browser',
      testMatch: ['<rootDir>/test/browser/**/*.spec.ts'],
    },
    {
      ...shared,
      displayName: 'fuzz',
      testMatch: ['<rootDir>/test/fuzz/**/*.spec.ts'],
    },
    {
      ...shared,
      displayName: 'monitoring',
      setupFilesAfterEnv: ['<rootDir>/test/support/without-time-limit.mjs'],
      testMatch: ['<rootDir>/test/monitoring/**/*.spec.ts'],
    },
    {
      ...shared,
      displayName: 'packages',
      testMatch: ['<rootDir>/test/packages/**/*.spec.ts'],
    },
    {
      ...shared,
      displayName: 'clients',
      testMatch: ['<rootDir>/test/clients/**/*.spec.ts'],
    },
    {
      // Needs Go, from whose module proxy it builds kubeconform, and pip.
      ...shared,
      displayName: 'kubernetes',
      testMatch: ['<rootDir>/test/kubernetes/**/*.spec.ts'],
    },
    {
      // Needs Go, from whose module proxy it builds Caddy.
      ...shared,
      displayName: 'gateway',
      testMatch: ['<rootDir>/test/gateway/**/*.spec.ts'],
    },
    {
      // Needs the history of the repository, from which it compiles the previous version.
      ...shared,
      displayName: 'upgrade',
      setupFilesAfterEnv: ['<rootDir>/test/support/without-time-limit.mjs'],
      globalSetup: '<rootDir>/test/support/shared-servers.mjs',
      globalTeardown: '<rootDir>/test/support/stop-shared-servers.mjs',
      testMatch: ['<rootDir>/test/upgrade/**/*.spec.ts'],
    },
    {
      // Waits for a scale-down, which is slow on purpose: some minutes.
      ...shared,
      displayName: 'autoscaling',
      setupFilesAfterEnv: ['<rootDir>/test/support/without-time-limit.mjs'],
      globalSetup: '<rootDir>/test/support/shared-servers.mjs',
      globalTeardown: '<rootDir>/test/support/stop-shared-servers.mjs',
      testMatch: ['<rootDir>/test/autoscaling/**/*.spec.ts'],
    },
    {
      ...shared,
      displayName: 'faults',
      setupFilesAfterEnv: ['<rootDir>/test/support/without-time-limit.mjs'],
      globalSetup: '<rootDir>/test/support/shared-servers.mjs',
      globalTeardown: '<rootDir>/test/support/stop-shared-servers.mjs',
      testMatch: ['<rootDir>/test/faults/**/*.spec.ts'],
    },
  ],
};
