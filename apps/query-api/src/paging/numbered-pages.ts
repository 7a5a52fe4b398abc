import { Injectable } from '@nestjs/common';
import { highestReservedNumber } from '#orders/operation/number-blocks.js';
import type { Order } from '#orders/order/order.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { SavedOrders } from '../orders/saved-orders.js';
import { indexInterval } from '../order-query/index-interval.js';
import type { OrderQuery } from '../order-query/order-query.js';
import type { NumberRange } from '../orders/number-holes.js';
import { PageLayout } from './page-layout.js';
import { byNumber, PossibleNumbers } from './possible-numbers.js';

export interface NumberedPage {
  readonly orders: readonly Order[];
  /** The numbers of the nearest pages that are not known to be empty; `undefined` if there is none. */
  readonly next: number | undefined;
  readonly prev: number | undefined;
  readonly last: number | undefined;
}

/**
 * Reads numbered pages of orders that are sorted by number. Order numbers are dense, so each page is a number range, and page 100,000
 * costs the same as page 1. An order that is not saved yet appears on its page later; no order is repeated or skipped.
 */
@Injectable()
export class NumberedPages {
  constructor(
    private readonly mongo: Mongo,
    private readonly orders: SavedOrders,
    private readonly possible: PossibleNumbers,
  ) {}

  async page(layout: PageLayout, page: number): Promise<NumberedPage> {
    const [orders, next, prev, last] = await Promise.all([
      this.read(layout, page),
      this.nearest(layout, layout.startOf(page + 1), layout.direction),
      this.nearest(layout, layout.beforeStartOf(page), layout.backwards),
      this.last(layout),
    ]);
    return { orders, next, prev, last };
  }

  /** Returns the number of the last page that is not known to be empty. */
  async last(layout: PageLayout): Promise<number | undefined> {
    return this.nearest(layout, layout.end, layout.backwards);
  }

  /** Lays out the numbers of an order query on pages, up to the highest reserved number. */
  async layoutOf({ range: { from, to }, sort }: OrderQuery, size: number): Promise<PageLayout> {
    const highest = await highestReservedNumber(this.mongo.db);
    const first = from === undefined ? 1 : Math.max(1, Number(from.value) + (from.inclusive ? 0 : 1));
    const last = to === undefined ? highest : Number(to.value) - (to.inclusive ? 0 : 1);
    return new PageLayout({ from: first, to: Math.min(last, highest) }, size, sort.descending);
  }

  private async nearest(layout: PageLayout, from: number, direction: 1 | -1): Promise<number | undefined> {
    const number = await this.possible.first(from, direction, layout.numbers);
    return number === undefined ? undefined : layout.pageOf(number);
  }

  private async read(layout: PageLayout, page: number): Promise<readonly Order[]> {
    const numbers: NumberRange | undefined = layout.numbersOf(page);
    if (numbers === undefined) return [];
    const interval = indexInterval(byNumber(numbers));
    return this.orders.scan({ interval, direction: layout.direction, limit: layout.size });
  }
}
