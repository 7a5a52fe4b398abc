// The boundaries of docs/architecture.md, as rules. `npm run check` fails on any of them.
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
      { path: '^libs/parallel-consumer/' },
      { path: '^libs/(?!parallel-consumer/)|node_modules/(@nestjs|mongodb)/' },
    ),
    rule(
      'nest-strategy-is-thin',
      'The strategy stands on the engine and on NestJS, and on nothing of this pipeline: it is a package of its own.',
      { path: '^libs/nestjs-parallel-consumer/' },
      { path: '^libs/(?!(nestjs-)?parallel-consumer/)|node_modules/(?!(@nestjs|rxjs|@jest)/)' },
    ),
    rule(
      'engine-has-one-kafkajs-file',
      'One file imports kafkajs, and one beside it mends its inside, so that another client is two files away.',
      { path: '^libs/parallel-consumer/', pathNot: '^libs/parallel-consumer/src/kafka/kafkajs[.]ts$' },
      { path: 'node_modules/kafkajs/' },
    ),
    rule(
      'domain-knows-no-framework',
      'Orders are plain code: NestJS and kafkajs stay in apps and in libs/service.',
      { path: '^libs/(orders|reconcile)/', pathNot: '[.]spec[.]ts$' },
      { path: 'node_modules/(@nestjs|kafkajs)/' },
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
      conditionNames: ['orders-source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
    },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^dist/', '^libs/[^/]+/dist/'] },
  },
};
