import { HttpStatus, Injectable } from '@nestjs/common';
import type { Order } from '#orders/order/order.js';
import { Problem } from '#service/http/problem.js';
import { SavedOrders } from '../orders/saved-orders.js';
import { indexInterval } from '../order-query/index-interval.js';
import type { OrderQuery } from '../order-query/order-query.js';
import { Totals } from './totals.js';

/** The last order that has a numbered page: MongoDB skips one order after the other, so each page costs more than the one before. */
const MAX_DEPTH = 10_000;

export interface OffsetPage {
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
