import { Injectable } from '@nestjs/common';
import { MongoServerError } from 'mongodb';
import { ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';
import { filterOf } from '../order-query/index-interval.js';
import type { OrderQuery } from '../order-query/order-query.js';
import { indexOf } from '../order-query/supported-order-queries.js';
import type { Total } from './orders-page.js';

/** Orders that are counted one by one without asking how long it takes: some tens of milliseconds. */
const QUICKLY_COUNTED = 100_000;
const EXACT_WITHIN_MS = 2_000;
const MAX_TIME_MS_EXPIRED = 50;

/** How many orders an order query has in all. MongoDB has to count keys one by one, so every way is bounded. */
@Injectable()
export class Totals {
  constructor(private readonly mongo: Mongo) {}

  /** As many as there are, up to a bound; or, of all orders, what the collection keeps count of. */
  async estimated(orderQuery: OrderQuery): Promise<Total> {
    const { equality, range } = orderQuery;
    if (equality === undefined && range.from === undefined && range.to === undefined)
      return { value: await ordersCollection(this.mongo.db).estimatedDocumentCount(), kind: 'estimated' };
    return this.quick(orderQuery);
  }

  /** All of them, where that takes no longer than two seconds; else as many as were counted quickly, and there are more. */
  async exact(orderQuery: OrderQuery): Promise<Total> {
    const quick = await this.quick(orderQuery);
    if (quick.kind === 'exact') return quick;
    try {
      return { value: await this.count(orderQuery, { maxTimeMS: EXACT_WITHIN_MS }), kind: 'exact' };
    } catch (error) {
      if (error instanceof MongoServerError && error.code === MAX_TIME_MS_EXPIRED) return quick;
      throw error;
    }
  }

  private async quick(orderQuery: OrderQuery): Promise<Total> {
    const value = await this.count(orderQuery, { limit: QUICKLY_COUNTED });
    return { value, kind: value < QUICKLY_COUNTED ? 'exact' : 'atLeast' };
  }

  /** The `count` command walks keys of the index alone. */
  private async count(orderQuery: OrderQuery, bounds: { limit?: number; maxTimeMS?: number }): Promise<number> {
    const { n } = await this.mongo.db.command({
      count: ordersCollection(this.mongo.db).collectionName,
      query: filterOf(orderQuery),
      hint: indexOf(orderQuery),
      readConcern: { level: 'majority' },
      ...bounds,
    });
    return Number(n);
  }
}
