import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { register } from 'prom-client';
import { systemClock } from '@orders-pipeline/clock';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { createLogger } from '#service/process/logs.js';
import { Comparisons } from '../comparison/comparisons.js';
import { Mismatches } from '../comparison/mismatches.js';
import { Observations } from '../comparison/observations.js';
import type { MigrationParts } from '../facade.module.js';
import { MongoBucketStore } from '../writes/bucket-store.js';
import { MongoNumberStore } from '../writes/number-blocks.js';
import { MongoWorkerLease } from '../writes/outbox.js';
import { AwaitedIntents } from '../writes/open-intents.js';
import { ReadStages } from '../stages/migration-snapshot.js';
import { RUNS } from '../runs/run-parts.js';
import { settings } from '../settings.js';
import { SideOrders, Sides } from '../sides/sides.js';
import { MongoMigrationStore } from './migration-store.js';
import { VerificationRuns } from '../runs/verification.js';
import { LegacyGateway } from '../writes/legacy-gateway.js';
import { PostedOrders } from '../writes/posted-orders.js';
import { exposeIntents, exposeStages } from '../facade-metrics.js';
import { LastVerify } from './last-verify.js';
import { knowledgeOf, MigrationRuntime, type MigrationKnowledge } from './migration-runtime.js';
import { limitsIn } from '../settings-schema.js';
import { MigrationController, MigrationView } from './migration-api.js';
import { StageChanges } from './stage-changes.js';
import { WriteReporting } from './write-reporting.js';

const logger = createLogger('facade', settings.LOG_LEVEL);
const PLACE = `${hostname()}:${settings.PORT}`;

/** What this instance shares with the others, and what it knows of it. */
class SharedState {
  readonly store: MongoMigrationStore;
  readonly buckets: MongoBucketStore;
  readonly identity = {
    name: settings.FACADE_INSTANCE ?? PLACE,
    process: randomUUID(),
    place: PLACE,
  };
  readonly knowledge: MigrationKnowledge;

  constructor(mongo: Mongo) {
    this.store = new MongoMigrationStore(mongo);
    this.buckets = new MongoBucketStore(mongo);
    const { store, buckets, identity } = this;
    this.knowledge = knowledgeOf({ store, buckets, identity, clock: systemClock, logger });
  }
}

function createRuntime(
  mongo: Mongo,
  { store, buckets, identity, knowledge }: SharedState,
  sides: Sides,
  observations: Observations,
  comparisons: Comparisons,
  mismatches: Mismatches,
): MigrationRuntime {
  const { answering, outbox } = sides;
  const { state } = knowledge;
  const now = (): Date => mongo.time.now();
  const reports = new WriteReporting({ observations, comparisons, mismatches, state, now, registry: register });
  const isLegacyAway = (): boolean => sides.breakers.some(({ side, isOpen }) => side === 'legacy' && isOpen());
  const ports = {
    store,
    buckets,
    numbers: new MongoNumberStore(mongo),
    lease: new MongoWorkerLease(mongo, identity.process),
    sides: { answering, outbox },
    stored: new SideOrders(answering.legacy, answering.newReads),
    legacy: new LegacyGateway(answering.legacy),
    figures: observations,
    verifies: new LastVerify(new VerificationRuns(mongo)),
    reports,
    reportUntranslatable: reports.untranslatable,
    isLegacyAway,
    zone: new LegacyTimeZone(settings.LEGACY_TIME_ZONE),
    clock: systemClock,
    stopwatch: () => performance.now(),
    random: Math.random,
    randomId: randomUUID,
    identity,
    limits: limitsIn(settings),
    logger,
  };
  return new MigrationRuntime(ports, knowledge);
}

/** Runs the migration logic from the start of the facade until its last request is answered. */
@Injectable()
class MigrationLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly runtime: MigrationRuntime,
    private readonly shared: SharedState,
    private readonly mongo: Mongo,
  ) {}

  onApplicationBootstrap(): void {
    const { state } = this.shared.knowledge;
    const verifies = new LastVerify(new VerificationRuns(this.mongo));
    exposeIntents(this.runtime.facts, systemClock, register);
    exposeStages({ state, verifies, clock: systemClock }, register);
    this.runtime.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.runtime.stop().catch((error: unknown) => logger.warn({ reason: String(error) }, 'not deregistered'));
  }
}

const PROVIDERS: Provider[] = [
  { provide: SharedState, useFactory: (mongo: Mongo) => new SharedState(mongo), inject: [Mongo] },
  { provide: ReadStages, useFactory: ({ knowledge }: SharedState) => knowledge.state, inject: [SharedState] },
  { provide: AwaitedIntents, useFactory: ({ knowledge }: SharedState) => knowledge.openIntents, inject: [SharedState] },
  {
    provide: MigrationRuntime,
    useFactory: createRuntime,
    inject: [Mongo, SharedState, Sides, Observations, Comparisons, Mismatches],
  },
  { provide: PostedOrders, useFactory: ({ orders }: MigrationRuntime) => orders, inject: [MigrationRuntime] },
  { provide: StageChanges, useFactory: ({ changes }: MigrationRuntime) => changes, inject: [MigrationRuntime] },
  {
    provide: MigrationView,
    useFactory: ({ store, buckets }: SharedState, { facts }: MigrationRuntime) =>
      new MigrationView(store, buckets, facts),
    inject: [SharedState, MigrationRuntime],
  },
  MigrationLifecycle,
];

/** The migration, for `FacadeModule`. */
export const MIGRATION: MigrationParts = {
  providers: [...PROVIDERS, ...RUNS.providers],
  controllers: [MigrationController, ...RUNS.controllers],
};
