import { Injectable, HttpStatus } from '@nestjs/common';
import { MongoServerError } from 'mongodb';
import { ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { timeLimit } from '#orders/time-limit.js';
import { countByIndex } from '#orders/operation/saved-count.js';
import type { Order } from '#orders/order/order.js';
import { Problem } from '#service/http/problem.js';
import { filterOf, indexInterval } from '../order-query/index-interval.js';
import { type OrderQuery, indexOf } from '../order-query/order-query.js';
import { SavedOrders } from '../orders/saved-orders.js';
import type { Total } from './orders-page.js';

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

  private async count(orderQuery: OrderQuery, bounds: { limit?: number; maxTimeMS?: number }): Promise<number> {
    return countByIndex(this.mongo.db, filterOf(orderQuery), indexOf(orderQuery), bounds);
  }
}

/** The last order that has a numbered page: MongoDB skips one order after the other, so each page costs more than the one before. */
const MAX_DEPTH = 10_000;

interface OffsetPage {
  readonly orders: readonly Order[];
  /** How to continue: with the next numbered page, or with a cursor where that page is too deep; `undefined`: no more orders. */
  readonly next: 'page' | 'cursor' | undefined;
  /** The number of the last page, if this page is beyond it. */
  readonly last: number | undefined;
}

/** Reads numbered pages of orders that are filtered or not sorted by number, by offset; only the first 10,000 orders have such pages. */
@Injectable()
export class OffsetPages {
  constructor(
    private readonly saved: SavedOrders,
    private readonly totals: Totals,
  ) {}

  /**
   * Reads one page.
   * @param firstPage the path of the order query's first page with cursor pagination
   * @throws Problem 400 `page-too-deep` for a page beyond the first 10,000 orders
   */
  async page(
    orderQuery: OrderQuery,
    { page, size, firstPage }: { page: number; size: number; firstPage: string },
  ): Promise<OffsetPage> {
    if (page * size > MAX_DEPTH)
      throw new Problem(
        HttpStatus.BAD_REQUEST,
        'page-too-deep',
        `Only the first ${MAX_DEPTH.toLocaleString('en-US')} orders of this query have numbered pages, page ${page} is beyond them. Start at the path in \`walk\` and follow \`page.next\`.`,
        { walk: firstPage },
      );
    const found = await this.saved.scan({
      interval: indexInterval(orderQuery),
      direction: orderQuery.sort.descending ? -1 : 1,
      limit: size + 1,
      skip: (page - 1) * size,
    });
    const next = (page + 1) * size <= MAX_DEPTH ? 'page' : 'cursor';
    // Only then: the orders before this page are counted one by one.
    const last = found.length === 0 ? await this.lastBefore(page, size, orderQuery) : undefined;
    return { orders: found.slice(0, size), next: found.length > size ? next : undefined, last };
  }

  private async lastBefore(page: number, size: number, orderQuery: OrderQuery): Promise<number | undefined> {
    const orders = page === 1 ? 0 : await this.totals.upTo((page - 1) * size, orderQuery);
    return orders === 0 ? undefined : Math.ceil(orders / size);
  }
}
