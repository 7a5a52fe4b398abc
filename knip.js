import tests from './test/installed/package.json' with { type: 'json' };

/** Knip does not see that the root uses what the workspace of the tests installs, nor which of it is unused. */
export default {
  workspaces: {
    '.': {
      entry: [
        'apps/*/src/main.ts',
        'apps/console/page/main.ts',
        'dev/start.ts',
        'dev/audit.ts',
        'dev/images.ts',
        'dev/sbom.ts',
        'dev/swarm.ts',
        'dev/migration.ts',
        'dev/migration-demo/plant-bug.ts',
        'dev/write-settings.ts',
        'dev/alerts/write-alerts.ts',
        'dev/write-api-documents.ts',
        'dev/surface/write-surface.ts',
        'dev/*.mjs',
        'dev/lint/*.mjs',
        'test/compose/{run.ts,stand-ins/collector.mjs}',
        'test/swarm/{run,isolated-run}.ts',
        'test/support/member/main.ts',
        'test/mutants/{run,random-run}.ts',
        'test/repeat.ts',
        'test/qualify/run.ts',
        'test/qualify/plain/main.ts',
        'test/chaos/run.ts',
        'test/disaster/run.ts',
        'test/chaos/mutants/run.ts',
        'test/chaos/migration/mutants/run.ts',
        'test/chaos/cluster/{redirect-connections,shifted-clock}.ts',
        'test/chaos/record-attempts.ts',
        'test/mutants/*.mjs',
        'bench/run.ts',
        'bench/{compare,bookkeeping,bare-server}.ts',
        'bench/contenders/main.ts',
        'apps/facade/src/comparison/comparer-thread.ts',
      ],
      project: ['{apps,dev,test,bench}/**/*.{ts,mjs}', 'libs/{autoscaling,legacy,orders,reconcile,service}/**/*.ts'],
      jest: true,
      ignoreDependencies: [...Object.keys(tests.devDependencies), '@confluentinc/kafka-javascript'],
    },
    'test/installed': { ignoreDependencies: ['.*'] },
    'libs/clock': {
      project: ['src/**/*.ts'],
    },
    'libs/parallel-consumer': {
      entry: ['src/contract/broker-contract.ts'],
      project: ['src/**/*.ts'],
      ignoreDependencies: ['prom-client', 'kafkajs', '@platformatic/kafka', '@opentelemetry/api'],
    },
    'libs/nestjs-parallel-consumer': {
      project: ['src/**/*.ts'],
    },
  },
  // Generated into dist/, which Knip does not read.
  ignoreUnresolved: ['#api/.*'],
  ignoreExportsUsedInFile: true,
  ignoreBinaries: ['mvn', 'unshare', 'nest', 'oxfmt', 'run-p', 'remark', 'typedoc', 'oxlint', 'depcruise', 'knip'],
};
