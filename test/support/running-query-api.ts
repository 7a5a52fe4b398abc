import { Long, MongoClient } from 'mongodb';
import { toDocument, ordersCollection } from '#orders/order/order-document.js';
import { reserveNumbers } from '#orders/numbering/number-blocks.js';
import type { OrderResponse } from '#orders/order/order-response.js';
import type { Order } from '#orders/order/order.js';
import { migrateDatabase } from '#service/mongodb/migrate-database.js';
import { emptyServers } from './empty-servers.js';
import { followPages } from './order-pages.js';
import { listening, StartedApp } from './started-app.js';

/** A query API alone, with a database of its own: nothing else writes orders. */
export class RunningQueryApi extends StartedApp {
  private constructor(
    app: Awaited<ReturnType<typeof listening>>,
    readonly mongodbUri: string,
  ) {
    super(...app);
  }

  /** Saves the orders, which are numbered from 1 without gaps, and starts a query API that has them. */
  static async withOrders(orders: readonly Order[]): Promise<RunningQueryApi> {
    const mongodbUri = (await emptyServers())?.MONGODB_URI;
    if (mongodbUri === undefined) throw new Error('this project has no shared servers');
    const client = new MongoClient(mongodbUri);
    const db = client.db();
    await migrateDatabase(db);
    const ingest = { operationId: null, partition: 0, offset: Long.ONE, attempts: 1, savedAt: new Date() };
    await ordersCollection(db).insertMany(
      orders.map((order) => toDocument(order, ingest)),
      { writeConcern: { w: 'majority' } },
    );
    await client.withSession(async (session) => reserveNumbers(db, orders.length, session));
    await client.close();
    return new RunningQueryApi(await listening('query-api', { MONGODB_URI: mongodbUri }), mongodbUri);
  }

  async walk(path: string, link?: 'next' | 'prev'): Promise<OrderResponse[][]> {
    return followPages(this.url, path, link);
  }
}
