import { Injectable, Module } from '@nestjs/common';
import { register } from 'prom-client';
import { systemClock } from '@orders-pipeline/clock';
import { ReadinessChecks, HealthModule } from '#service/health/health.js';
import { Mongo, LONGER_THAN_AN_ELECTION_MS } from '#service/mongodb/mongo.js';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import { createLogger, logsModule } from '#service/process/logs.js';
import { MetricsModule } from '#service/health/metrics.js';
import { connectPrepared } from '#service/mongodb/connect-prepared.js';
import { Startup } from '#service/availability/startup.js';
import { readMonotonically } from '#service/mongodb/monotonic-reads.js';
import { AuditController } from './audit.controller.js';
import { ExportController, OrderBatches } from './export/export.controller.js';
import { OpenExports, WaitingReads, exposeReadMetrics } from './read-limits.js';
import { AwaitedOrders, AbsentOrders } from './orders/order-by-id.js';
import { CompleteThrough } from './freshness/complete-through.js';
import { SavedNumbers, NumbersWithoutOrder, StoredWatermark } from './freshness/watermark-sources.js';
import { OrdersController } from './orders.controller.js';
import { SavedOrders } from './orders/saved-orders.js';
import { FilterCandidates } from './order-query/filter-candidates.js';
import { NumberHoles, PossibleNumbers } from './orders/number-holes.js';
import { NumberedPages } from './paging/numbered-pages.js';
import { OffsetPages, Totals } from './paging/offset-pages.js';
import { OrderPages } from './paging/order-pages.js';
import { PageTokens } from './paging/cursor-pages.js';
import { settings } from './settings.js';
import { OrderRollups } from './summary/order-rollups.js';
import { RollupKeeper } from './summary/rollup-keeper.js';
import { Summaries } from './summary/summaries.js';
import { SummaryController } from './summary/summary.controller.js';
import { OrderTraceController, OrderTraces, TraceLinks } from './order-trace.controller.js';

@Injectable()
export class QueryReadiness extends ReadinessChecks {
  readonly checks;

  constructor(mongo: Mongo) {
    super();
    this.checks = { mongodb: () => mongo.ping() };
  }
}

const logger = createLogger('query-api', settings.LOG_LEVEL);

/** Waits for MongoDB with its indexes. */
export const startup = new Startup(logger);

async function connectMongo(): Promise<Mongo> {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-query-api', LONGER_THAN_AN_ELECTION_MS);
  readMonotonically(mongo.client);
  return connectPrepared(mongo, startup, ['orders', 'settledBlocks', 'summaryRollups', 'auditEvents']);
}

@Module({ providers: [{ provide: Mongo, useFactory: connectMongo }], exports: [Mongo] })
class DatabaseModule {}

@Module({
  imports: [logsModule(logger), MetricsModule, DatabaseModule, HealthModule.with(QueryReadiness, [DatabaseModule])],
  // The OpenAPI document lists the routes in this order. Fastify prefers `export` and `summary` to the `:id` of OrdersController.
  controllers: [OrdersController, OrderTraceController, SummaryController, ExportController, AuditController],
  providers: [
    { provide: ArchivedList, useFactory: ({ db }: Mongo) => ArchivedList.of(db), inject: [Mongo] },
    {
      provide: ArchivedIds,
      useFactory: ({ db }: Mongo, list: ArchivedList) => ArchivedIds.of(db, list),
      inject: [Mongo, ArchivedList],
    },
    SavedOrders,
    AbsentOrders,
    FilterCandidates,
    NumberHoles,
    PossibleNumbers,
    NumberedPages,
    OffsetPages,
    Totals,
    OrderPages,
    SavedNumbers,
    NumbersWithoutOrder,
    StoredWatermark,
    {
      provide: CompleteThrough,
      useFactory: (
        numbers: SavedNumbers,
        holes: NumberHoles,
        withoutOrder: NumbersWithoutOrder,
        stored: StoredWatermark,
      ): CompleteThrough => new CompleteThrough({ numbers, holes, withoutOrder, stored }, systemClock),
      inject: [SavedNumbers, NumberHoles, NumbersWithoutOrder, StoredWatermark],
    },
    AwaitedOrders,
    { provide: TraceLinks, useValue: new TraceLinks(settings.TRACE_URL_TEMPLATE) },
    OrderTraces,
    OrderBatches,
    { provide: OpenExports, useValue: new OpenExports(settings) },
    { provide: WaitingReads, useValue: new WaitingReads(settings) },
    {
      provide: OrderRollups,
      useFactory: (mongo: Mongo, list: ArchivedList) => new OrderRollups(mongo, list),
      inject: [Mongo, ArchivedList],
    },
    {
      provide: RollupKeeper,
      useFactory: (rollups: OrderRollups) => new RollupKeeper(rollups, systemClock),
      inject: [OrderRollups],
    },
    Summaries,
    {
      provide: PageTokens,
      useValue: new PageTokens(settings.PAGE_TOKEN_SECRET, settings.PAGE_TOKEN_SECRETS_BEFORE),
    },
  ],
})
export class QueryApiModule {
  constructor(exports: OpenExports, waiting: WaitingReads) {
    exposeReadMetrics(exports, waiting, register);
  }
}
