import { Module } from '@nestjs/common';
import { ensureOrderIndexes } from '#orders/orders-collection.js';
import { HealthModule } from '#service/health.js';
import { createLogger, logsModule } from '#service/logs.js';
import { MetricsModule } from '#service/metrics.js';
import { Mongo } from '#service/mongo.js';
import { OrderPages } from './order-pages.js';
import { OrdersController } from './orders.controller.js';
import { PageTokens } from './page-token.js';
import { QueryReadiness } from './readiness.js';
import { settings } from './settings.js';

const logger = createLogger('query-api', settings.LOG_LEVEL);

async function connectMongo(): Promise<Mongo> {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-query-api');
  await ensureOrderIndexes(mongo.db);
  return mongo;
}

@Module({ providers: [{ provide: Mongo, useFactory: connectMongo }], exports: [Mongo] })
class DatabaseModule {}

@Module({
  imports: [logsModule(logger), MetricsModule, DatabaseModule, HealthModule.with(QueryReadiness, [DatabaseModule])],
  controllers: [OrdersController],
  providers: [OrderPages, { provide: PageTokens, useValue: new PageTokens(settings.PAGE_TOKEN_SECRET) }],
})
export class QueryApiModule {}
