// The boundaries of docs/architecture.md, as rules. `npm run check` fails on any of them.

const { readdirSync } = require('node:fs');

// The engine's folders, from the lowest to the highest: each imports only folders before it.
const ENGINE_LAYERS = [
  ['structures', 'protocol', 'checks'],
  ['failures', 'records'],
  ['events'],
  ['broker', 'tracing'],
  ['kafka', 'partition'],
  ['kafkajs', 'platformatic', 'window', 'commits'],
  ['attempts'],
  ['buffering', 'topics'],
  ['status'],
  ['rebalance', 'metrics', 'handlers'],
];
/** Folders for tests only. */
const ENGINE_TESTS = ['testing', 'contract', 'behaviour', 'simulation'];
const ENGINE = 'libs/parallel-consumer/src/';

// A folder without a layer would be checked by no rule.
const engineFolders = readdirSync(ENGINE, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const known = new Set([...ENGINE_LAYERS.flat(), ...ENGINE_TESTS]);
const unknown = engineFolders.map(({ name }) => name).filter((name) => !known.delete(name));
if (unknown.length + known.size > 0)
  throw new Error(`ENGINE_LAYERS: without a layer: ${unknown.join()}; without a folder: ${[...known].join()}`);

/** The folders and root files that a layer must not import: those above it, and its neighbours. */
function aboveAndBeside(layer, folder) {
  const above = ENGINE_LAYERS.slice(layer + 1).flat();
  const beside = ENGINE_LAYERS[layer].filter((other) => other !== folder);
  return `^${ENGINE}((${[...above, ...beside, ...ENGINE_TESTS].join('|')})/|[^/]+[.]ts$)`;
}

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    rule('no-cycles', 'A cycle hides which of two files comes first.', {}, { circular: true }),
    rule(
      'libs-never-import-apps',
      'Libraries are below the apps.',
      { path: '^libs/' },
      { path: '^(apps|dev|test|bench)/' },
    ),
    rule(
      'apps-never-import-each-other',
      'Services meet over Kafka, MongoDB and HTTP only.',
      { path: '^apps/([^/]+)/' },
      { path: '^apps/', pathNot: '^apps/$1/' },
    ),
    rule(
      'engine-is-pure',
      'The engine knows no NestJS, no MongoDB, no orders.',
      { path: '^libs/(clock|parallel-consumer)/' },
      { path: '^libs/(?!(clock|parallel-consumer)/)|node_modules/(@nestjs|mongodb)/' },
    ),
    ...ENGINE_LAYERS.flatMap((folders, layer) =>
      folders.map((folder) =>
        rule(
          `engine-layer-${folder}`,
          'A folder of the engine imports only lower ones, so that each can be read without those above it.',
          { path: `^${ENGINE}${folder}/`, pathNot: '[.]spec[.]ts$|/testing/' },
          { path: aboveAndBeside(layer, folder) },
        ),
      ),
    ),
    rule(
      'nest-strategy-is-thin',
      'The strategy stands on the engine and on NestJS, and on nothing of this pipeline: it is a package of its own.',
      { path: '^libs/nestjs-parallel-consumer/' },
      { path: '^libs/(?!(nestjs-)?parallel-consumer/)|node_modules/(?!(@nestjs|rxjs|kafkajs|@jest)/)' },
    ),
    rule(
      'engine-has-one-folder-for-each-client',
      'Only its own folder imports a client library, so that another client is one more folder.',
      { path: '^libs/parallel-consumer/', pathNot: '^libs/parallel-consumer/src/(kafkajs|platformatic)/' },
      { path: 'node_modules/(kafkajs|@platformatic/kafka)/' },
    ),
    rule(
      'clients-know-nothing-of-each-other',
      'Each client library is optional.',
      { path: '^libs/parallel-consumer/src/(kafkajs|platformatic)/' },
      {
        path: '^libs/parallel-consumer/src/(kafkajs|platformatic)/|node_modules/(kafkajs|@platformatic/kafka)/',
        pathNot: '$1',
      },
    ),
    rule(
      'packages-have-one-entry',
      'A published package is used by its entries, as its users use it.',
      { path: '^(apps|libs|dev|bench)/', pathNot: '^libs/(clock|parallel-consumer|nestjs-parallel-consumer)/' },
      {
        path: '^libs/(clock|parallel-consumer|nestjs-parallel-consumer)/src/',
        pathNot:
          '/src/(kafkajs/|platformatic/|testing/)?index[.]ts$|/clock/src/manual-clock[.]ts$|/(metrics/prometheus-metrics|tracing/opentelemetry-tracer)[.]ts$',
      },
    ),
    rule(
      'domain-knows-no-framework',
      'Orders are plain code: NestJS and kafkajs stay in apps and in libs/service.',
      { path: '^libs/(legacy|orders|reconcile)/', pathNot: '[.]spec[.]ts$' },
      { path: 'node_modules/(@nestjs|kafkajs)/' },
    ),
    rule(
      'policy-is-pure',
      'The autoscaling policy does no I/O and knows nothing of this pipeline.',
      { path: '^libs/autoscaling/', pathNot: '[.]spec[.]ts$|/testing/' },
      { pathNot: '^libs/autoscaling/' },
    ),
    rule(
      'domain-stands-alone',
      'Every service and library imports the domain, so it imports none of them.',
      { path: '^libs/orders/' },
      { path: '^libs/(?!(orders|clock)/)' },
    ),
    rule(
      'apps-never-import-dev',
      'The embedded stack starts the apps, not the other way round.',
      { path: '^apps/' },
      { path: '^(dev|test|bench)/' },
    ),
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['orders-source', '@orders-pipeline/source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
    },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^dist/', '^libs/[^/]+/dist/'] },
  },
};
