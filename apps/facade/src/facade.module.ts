import { Module, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { register } from 'prom-client';
import { systemClock } from '@orders-pipeline/clock';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { HealthModule } from '#service/health/health.js';
import { Outages } from '#service/availability/outages.js';
import { MetricsModule } from '#service/health/metrics.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { createLogger, logsModule } from '#service/process/logs.js';
import { ThreadedComparer } from './comparison/comparer.js';
import { ComparisonBudget, comparisonSources, Comparisons } from './comparison/comparisons.js';
import { loggedComparisons } from './comparison/logged-comparisons.js';
import { Mismatches, MismatchesController } from './comparison/mismatches.js';
import { Observations } from './comparison/observations.js';
import { FacadeLifecycle } from './facade-lifecycle.js';
import { ClientActivity } from './clients.js';
import { FacadeMetrics } from './facade-metrics.js';
import { FacadeFiles } from './facade-files.js';
import { FacadeReadiness } from './readiness.js';
import { AwaitedIntents } from './writes/open-intents.js';
import { ReadStages } from './stages/migration-snapshot.js';
import { Reads } from './reads/reads.js';
import { settings, tokenClient } from './settings.js';
import { Sides } from './sides/sides.js';

const logger = createLogger('facade', settings.LOG_LEVEL);

/** The facade also starts without MongoDB. */
function connectMongo(): Mongo {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-facade');
  void mongo.connectWhenAvailable(new Outages(logger));
  return mongo;
}

@Module({
  providers: [{ provide: Mongo, useFactory: connectMongo }],
  exports: [Mongo],
})
class DatabaseModule {}

function connectSides(): Sides {
  return Sides.of({
    legacyUrl: settings.LEGACY_URL,
    producerUrl: settings.PRODUCER_URL,
    queryApiUrl: settings.QUERY_API_URL,
    zone: new LegacyTimeZone(settings.LEGACY_TIME_ZONE),
    legacyConnections: settings.LEGACY_CONNECTIONS,
    legacyTimeoutMs: settings.LEGACY_TIMEOUT_MS,
    newConnections: settings.NEW_SIDE_CONNECTIONS,
    newTimeoutMs: settings.NEW_SIDE_TIMEOUT_MS,
    tokenClient: tokenClient(settings),
    clock: systemClock,
  });
}

@Module({ providers: [{ provide: Sides, useFactory: connectSides }], exports: [Sides] })
class SidesModule {}

const PROVIDERS: Provider[] = [
  { provide: FacadeMetrics, useFactory: () => new FacadeMetrics(register) },
  {
    provide: FacadeFiles,
    useFactory: async () =>
      FacadeFiles.open({
        clientsPath: settings.LEGACY_CLIENTS_FILE,
        isProduction: process.env['NODE_ENV'] === 'production',
        rulesPath: settings.IGNORE_RULES_FILE,
        clock: systemClock,
        logger,
      }),
  },
  {
    provide: Observations,
    useFactory: ({ db }: Mongo) =>
      new Observations(db, systemClock, (error) =>
        logger.warn({ reason: String(error) }, 'the figures of comparisons are kept until MongoDB takes them'),
      ),
    inject: [Mongo],
  },
  { provide: Mismatches, useFactory: ({ db }: Mongo) => new Mismatches(db), inject: [Mongo] },
  { provide: ThreadedComparer, useFactory: () => new ThreadedComparer(settings.LEGACY_TIME_ZONE) },
  {
    provide: Comparisons,
    useFactory: (
      sides: Sides,
      comparer: ThreadedComparer,
      intents: AwaitedIntents,
      observations: Observations,
      mismatches: Mismatches,
      files: FacadeFiles,
      metrics: FacadeMetrics,
      stages: ReadStages,
    ) =>
      new Comparisons({
        sources: comparisonSources(sides.comparing),
        comparer,
        intents,
        stages,
        observations,
        mismatches,
        rules: () => files.rules,
        watch: loggedComparisons(metrics, logger),
        clock: systemClock,
        budget: new ComparisonBudget(settings.COMPARED_PER_SECOND, () => performance.now()),
      }),
    inject: [Sides, ThreadedComparer, AwaitedIntents, Observations, Mismatches, FacadeFiles, FacadeMetrics, ReadStages],
  },
  {
    provide: Reads,
    useFactory: (
      stages: ReadStages,
      intents: AwaitedIntents,
      { reading: { legacy, newReads } }: Sides,
      comparisons: Comparisons,
      observations: Observations,
      metrics: FacadeMetrics,
    ) => new Reads({ stages, intents, legacy, newReads, comparisons, observations, metrics }),
    inject: [ReadStages, AwaitedIntents, Sides, Comparisons, Observations, FacadeMetrics],
  },
  ClientActivity,
  FacadeLifecycle,
];

/** What decides which side answers: its providers must include `ReadStages` and `AwaitedIntents`. */
export interface MigrationParts {
  readonly providers: readonly Provider[];
  readonly controllers: readonly Type[];
}

@Module({})
export class FacadeModule {
  static with({ providers, controllers }: MigrationParts): DynamicModule {
    return {
      module: FacadeModule,
      imports: [
        logsModule(logger),
        MetricsModule,
        DatabaseModule,
        SidesModule,
        HealthModule.with(FacadeReadiness, [SidesModule]),
      ],
      controllers: [...controllers, MismatchesController],
      providers: [...PROVIDERS, ...providers],
    };
  }
}
