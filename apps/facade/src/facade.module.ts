import { Injectable, Module, type Type } from '@nestjs/common';
import { systemClock } from '@orders-pipeline/clock';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { timeLimit } from '#orders/time-limit.js';
import { DependencyState } from '#service/availability/dependency-state.js';
import { HealthModule, ReadinessChecks } from '#service/health/health.js';
import { MetricsModule } from '#service/health/metrics.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { createLogger, logsModule } from '#service/process/logs.js';
import { Mismatches, MismatchesController } from './comparison/mismatches.js';
import { FacadeFiles } from './facade-files.js';
import { Facade } from './facade.js';
import { MigrationController, MigrationView } from './migration/migration-api.js';
import { StageChanges } from './migration/stage-changes.js';
import { BackfillController, BackfillRuns } from './runs/backfill.js';
import { HighestNumber } from './runs/runs-controller.js';
import { VerificationRuns, VerifyController } from './runs/verification.js';
import { settings, tokenClient } from './settings.js';
import { Sides } from './sides/sides.js';

const logger = createLogger('facade', settings.LOG_LEVEL);

/** The facade also starts without MongoDB. */
function connectMongo(): Mongo {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-facade');
  void mongo.connectWhenAvailable(new DependencyState(logger));
  return mongo;
}

@Module({
  providers: [{ provide: Mongo, useFactory: connectMongo }],
  exports: [Mongo],
})
class DatabaseModule {}

function connectSides(): Sides {
  return new Sides(settings, new LegacyTimeZone(settings.LEGACY_TIME_ZONE), systemClock, tokenClient(settings));
}

@Module({ providers: [{ provide: Sides, useFactory: connectSides }], exports: [Sides] })
class SidesModule {}

const PING_LIMIT_MS = timeLimit(2_000);

/**
 * A facade is ready while it reaches a side. MongoDB is no condition: the legacy system's answers need none. Which side a request needs
 * depends on its stage; one that needs an unavailable side gets a 503.
 */
@Injectable()
class FacadeReadiness extends ReadinessChecks {
  readonly checks;

  constructor({ answering }: Sides) {
    super();
    const side = async (): Promise<void> => {
      const signal = AbortSignal.timeout(PING_LIMIT_MS);
      try {
        await Promise.any([answering.legacy.ping(signal), answering.new.ping(signal)]);
      } catch (error) {
        throw new Error((error as AggregateError).errors.map(String).join('; '), { cause: error });
      }
    };
    this.checks = { side };
  }
}

async function openFiles(): Promise<FacadeFiles> {
  return FacadeFiles.open({
    clientsPath: settings.LEGACY_CLIENTS_FILE,
    isProduction: process.env['NODE_ENV'] === 'production',
    rulesPath: settings.IGNORE_RULES_FILE,
    clock: systemClock,
    logger,
  });
}

/** Provides a part of the facade to its controllers. */
function part<T>(token: Type<T>, of: (facade: Facade) => T) {
  return { provide: token, useFactory: of, inject: [Facade] };
}

@Module({
  imports: [
    logsModule(logger),
    MetricsModule,
    DatabaseModule,
    SidesModule,
    HealthModule.with(FacadeReadiness, [SidesModule]),
  ],
  controllers: [MigrationController, VerifyController, BackfillController, MismatchesController],
  providers: [
    { provide: FacadeFiles, useFactory: openFiles },
    Facade,
    part(Mismatches, ({ mismatches }) => mismatches),
    part(StageChanges, ({ migration }) => migration.changes),
    part(MigrationView, ({ view }) => view),
    part(VerificationRuns, ({ verifications }) => verifications),
    part(BackfillRuns, ({ backfills }) => backfills),
    part(HighestNumber, ({ highest }) => highest),
  ],
})
export class FacadeModule {}
