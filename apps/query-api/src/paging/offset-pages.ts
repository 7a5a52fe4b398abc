import { HttpStatus, Injectable } from '@nestjs/common';
import type { Order } from '#orders/order.js';
import { Problem } from '#service/problem.js';
import { SavedOrders } from '../orders/saved-orders.js';
import { indexInterval } from '../order-query/index-interval.js';
import type { OrderQuery } from '../order-query/order-query.js';

/** Orders that are passed over at the most: beyond it each page would cost more than the one before. */
const DEEPEST = 10_000;

export interface OffsetPage {
  readonly orders: readonly Order[];
  /** Whether there are more, and whether they still have a numbered page. */
  readonly next: 'page' | 'walk' | undefined;
}

/** Numbered pages of orders that are filtered, or not sorted by number: by passing over those before, so only the first ones. */
@Injectable()
export class OffsetPages {
  constructor(private readonly saved: SavedOrders) {}

  /**
   * @param walk the path that begins the same order query as a walk
   * @throws Problem 400 `page-too-deep`
   */
  async page(
    orderQuery: OrderQuery,
    { page, size, walk }: { page: number; size: number; walk: string },
  ): Promise<OffsetPage> {
    if (page * size > DEEPEST)
      throw new Problem(
        HttpStatus.BAD_REQUEST,
        'page-too-deep',
        `Only the first ${DEEPEST} of these orders have numbered pages. Follow \`next\` from the path in \`walk\` instead.`,
        { walk },
      );
    const found = await this.saved.stretch({
      interval: indexInterval(orderQuery),
      direction: orderQuery.sort.descending ? -1 : 1,
      limit: size + 1,
      skip: (page - 1) * size,
    });
    const next = (page + 1) * size <= DEEPEST ? 'page' : 'walk';
    return { orders: found.slice(0, size), next: found.length > size ? next : undefined };
  }
}
