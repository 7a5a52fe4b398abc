import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { register } from 'prom-client';
import { systemClock as clock } from '@orders-pipeline/clock';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { createLogger } from '#service/process/logs.js';
import { ClientActivity } from './clients.js';
import { ThreadedComparer } from './comparison/comparer.js';
import { Comparisons } from './comparison/comparisons.js';
import { Mismatches } from './comparison/mismatches.js';
import { Observations } from './comparison/observations.js';
import { FacadeFiles } from './facade-files.js';
import { exposeIntents, exposeStages, FacadeMetrics } from './facade-metrics.js';
import { addLegacyApi, addReadRoutes, addWriteRoutes } from './legacy-api.js';
import { MigrationView } from './migration/migration-api.js';
import type { MigrationPorts } from './migration/migration-ports.js';
import { MigrationRuntime } from './migration/migration-runtime.js';
import { MigrationState } from './migration/migration-state.js';
import { MongoMigrationStore } from './migration/migration-store.js';
import { WriteReporting } from './migration/write-reporting.js';
import { Reads } from './reads/reads.js';
import { BackfillRuns, backfillWork } from './runs/backfill.js';
import { RunJob, requireRunIndexes } from './runs/stored-runs.js';
import { HighestNumber } from './runs/runs-controller.js';
import { SideReaders } from './runs/side-readers.js';
import { VerificationRuns, verificationWork } from './runs/verification.js';
import { settings } from './settings.js';
import { Sides } from './sides/sides.js';
import { MongoBucketStore } from './writes/bucket-store.js';
import { MongoNumberStore } from './writes/number-blocks.js';
import { OpenIntents } from './writes/open-intents.js';
import { workerLease } from './writes/outbox.js';

const logger = createLogger('facade', settings.LOG_LEVEL);
const ADDRESS = `${hostname()}:${settings.PORT}`;
const IDENTITY = { name: settings.FACADE_INSTANCE ?? ADDRESS, process: randomUUID(), address: ADDRESS };
const zone = new LegacyTimeZone(settings.LEGACY_TIME_ZONE);
/** Other requests wait up to 2 s for a write: what a dead instance has begun must be done by then. */
const OUTBOX_LIMITS = { repairAfterMs: 1_000, batchSize: 1_000, maxCalls: 32 };
const NUMBER_BLOCK = 1_000;

/**
 * One facade instance: creates every part and connects it to those that it uses. It adds the legacy API before the facade listens, and
 * stops what runs in the background once all requests are answered.
 */
@Injectable()
export class Facade implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  readonly mismatches: Mismatches;
  readonly migration: MigrationRuntime;
  readonly view: MigrationView;
  readonly verifications: VerificationRuns;
  readonly backfills: BackfillRuns;
  readonly highest: HighestNumber;
  private readonly metrics = new FacadeMetrics(register);
  private readonly comparer = new ThreadedComparer(settings.LEGACY_TIME_ZONE);
  private readonly clients = new ClientActivity(clock);
  private readonly observations: Observations;
  private readonly comparisons: Comparisons;
  private readonly reads: Reads;
  private readonly jobs: readonly Pick<RunJob, 'start' | 'stop'>[];

  constructor(
    private readonly http: HttpAdapterHost,
    mongo: Mongo,
    private readonly sides: Sides,
    private readonly files: FacadeFiles,
  ) {
    const { metrics } = this;
    this.verifications = new VerificationRuns(mongo);
    this.backfills = new BackfillRuns(mongo);
    this.mismatches = new Mismatches(mongo);
    this.observations = new Observations(mongo.db, clock, (error) =>
      logger.warn({ reason: String(error) }, 'the figures of comparisons are kept until MongoDB takes them'),
    );
    const store = new MongoMigrationStore(mongo);
    const numbers = new MongoNumberStore(mongo);
    const buckets = new MongoBucketStore(mongo);
    this.highest = new HighestNumber(sides.runs.legacy, numbers);
    const state = new MigrationState({ store, clock, identity: IDENTITY, logger });
    const intents = new OpenIntents(buckets, state, clock);
    this.comparisons = this.createComparisons(state, intents);
    const { comparisons, observations } = this;
    this.reads = new Reads({ stages: state, intents, sides: sides.reading, comparisons, observations, metrics });
    this.migration = new MigrationRuntime(this.migrationPorts(mongo, { store, numbers, buckets }, state), state);
    this.view = new MigrationView(store, buckets, this.migration.facts);
    this.jobs = this.createJobs(mongo, new SideReaders(sides.runs, buckets));
  }

  async onModuleInit(): Promise<void> {
    const { http, reads, migration, sides, observations, files, metrics, clients } = this;
    metrics.breakers(sides.breakers);
    metrics.expiredIgnoreRules(() => files.rules.expired(clock.now()).length);
    observations.start();
    await addLegacyApi(http.httpAdapter.getInstance<FastifyInstance>(), {
      keys: () => files.keys,
      hosts: { hosts: settings.ALLOWED_HOSTS, origins: settings.CORS_ORIGINS },
      onRequest: (client) => {
        metrics.requestBy(client);
        clients.noteRequest();
      },
      logger,
      addRoutes: (scope) => {
        addReadRoutes(scope, reads, settings);
        addWriteRoutes(scope, migration.orders);
      },
    });
  }

  onApplicationBootstrap(): void {
    const { migration, verifications } = this;
    exposeIntents(migration.facts, clock, register);
    exposeStages({ state: migration.state, lastVerify: verifications.last, clock }, register);
    migration.start();
    for (const job of this.jobs) job.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.jobs.map(async (job) => job.stop()));
  }

  async onApplicationShutdown(): Promise<void> {
    const { files, migration, comparisons, observations, comparer, sides } = this;
    files.close();
    // While MongoDB is unavailable, each waits for it: at once, so that the facade still ends in time.
    const stopped = migration
      .stop()
      .catch((error: unknown) => logger.warn({ reason: String(error) }, 'not deregistered'));
    await comparisons.stop();
    await Promise.all([stopped, observations.stop(), comparer.close()]);
    await sides.close();
  }

  private createComparisons(stages: MigrationState, intents: OpenIntents): Comparisons {
    const { sides, comparer, observations, mismatches, files, metrics } = this;
    return new Comparisons({
      sides: sides.comparing,
      comparer,
      intents,
      stages,
      observations,
      mismatches,
      rules: () => files.rules,
      metrics,
      logger,
      clock,
      perSecond: settings.COMPARED_PER_SECOND,
    });
  }

  private migrationPorts(
    mongo: Mongo,
    stores: Pick<MigrationPorts, 'store' | 'numbers' | 'buckets'>,
    state: MigrationState,
  ): MigrationPorts {
    const { sides, comparisons, observations, mismatches, verifications } = this;
    return {
      ...stores,
      lease: workerLease(mongo, IDENTITY.process),
      sides,
      legacy: sides.answering.legacy,
      figures: async (versions) => observations.read(versions),
      lastVerify: verifications.last,
      reports: new WriteReporting({ observations, comparisons, mismatches, state, registry: register }),
      isLegacyUnavailable: () => sides.breakers.some(({ side, isOpen }) => side === 'legacy' && isOpen()),
      zone,
      clock,
      random: Math.random,
      randomId: randomUUID,
      identity: IDENTITY,
      limits: { ...settings, outbox: OUTBOX_LIMITS, numberBlock: NUMBER_BLOCK },
      logger,
    };
  }

  private createJobs({ db }: Mongo, readers: SideReaders): readonly Pick<RunJob, 'start' | 'stop'>[] {
    const { verifications, backfills, sides, clients } = this;
    const prepare = async (): Promise<void> => requireRunIndexes(db);
    const verification = verificationWork(verifications, {
      sides: readers,
      zone,
      clock,
      hasClients: () => clients.isBusy,
    });
    const backfill = backfillWork(backfills, {
      zone,
      legacy: async (interval, signal) => readers.legacy(interval, signal),
      isEmpty: async (interval, signal) => sides.runs.legacy.isEmpty(interval, signal),
      startImport: async (files, key, signal) => sides.runs.new.startImport(files, key, signal),
    });
    return [new RunJob(verifications, verification, clock, prepare), new RunJob(backfills, backfill, clock, prepare)];
  }
}
