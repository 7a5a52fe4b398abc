import { Injectable } from '@nestjs/common';
import { MongoServerError } from 'mongodb';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { filterOf } from '../order-query/index-interval.js';
import type { OrderQuery } from '../order-query/order-query.js';
import { indexOf } from '../order-query/supported-order-queries.js';
import type { Total } from './orders-page.js';
import { timeLimit } from '#orders/time-limit.js';

/** Orders that are counted without a time limit: it takes some tens of milliseconds. */
const QUICKLY_COUNTED = 100_000;
const EXACT_WITHIN_MS = timeLimit(2_000);
const MAX_TIME_MS_EXPIRED = 50;

/** Counts the orders of an order query. MongoDB counts index keys one by one, so each count is limited by number or time. */
@Injectable()
export class Totals {
  constructor(private readonly mongo: Mongo) {}

  /** Counts up to 100,000 orders. For all orders, it returns the collection's own document count instead. */
  async estimated(orderQuery: OrderQuery): Promise<Total> {
    const { equality, range } = orderQuery;
    if (equality === undefined && range.from === undefined && range.to === undefined)
      return { value: await ordersCollection(this.mongo.db).estimatedDocumentCount(), kind: 'estimated' };
    return this.quick(orderQuery);
  }

  /** Counts all orders within 2 s; after that it returns 100,000 as `atLeast`. */
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

  /** Counts the orders up to a limit. */
  async upTo(limit: number, orderQuery: OrderQuery): Promise<number> {
    return this.count(orderQuery, { limit });
  }

  private async quick(orderQuery: OrderQuery): Promise<Total> {
    const value = await this.upTo(QUICKLY_COUNTED, orderQuery);
    return { value, kind: value < QUICKLY_COUNTED ? 'exact' : 'atLeast' };
  }

  /** Uses the `count` command, which reads index keys only. */
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
