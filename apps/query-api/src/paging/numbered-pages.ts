import { Injectable } from '@nestjs/common';
import { highestReservedNumber } from '#orders/numbering/number-blocks.js';
import type { Order } from '#orders/order/order.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { type NumberRange, byNumber, PossibleNumbers } from '../orders/number-holes.js';
import { SavedOrders } from '../orders/saved-orders.js';
import { indexInterval } from '../order-query/index-interval.js';
import type { OrderQuery } from '../order-query/order-query.js';

/** Maps the dense order numbers to pages, ascending from the first number or descending from the last. */
export class PageLayout {
  /** How numbers change from page to page: 1 for ascending, -1 for descending. */
  readonly direction: 1 | -1;
  readonly backwards: 1 | -1;

  constructor(
    /** All numbers of the layout; empty if `from` is above `to`. */
    readonly numbers: NumberRange,
    /** Numbers per page. */
    readonly size: number,
    private readonly descending: boolean,
  ) {
    this.direction = descending ? -1 : 1;
    this.backwards = descending ? 1 : -1;
  }

  /** The last number of the last page. */
  get end(): number {
    return this.descending ? this.numbers.from : this.numbers.to;
  }

  startOf(page: number): number {
    const offset = (page - 1) * this.size;
    return this.descending ? this.numbers.to - offset : this.numbers.from + offset;
  }

  /** The number before the first one of a page; for a page beyond the end, the last number of all. */
  beforeStartOf(page: number): number {
    const before = this.startOf(page) - this.direction;
    return this.descending ? Math.max(before, this.numbers.from) : Math.min(before, this.numbers.to);
  }

  pageOf(number: number): number {
    const offset = this.descending ? this.numbers.to - number : number - this.numbers.from;
    return Math.floor(offset / this.size) + 1;
  }

  /** @returns `undefined` for a page beyond the end */
  numbersOf(page: number): NumberRange | undefined {
    const { from, to } = this.numbers;
    const start = this.startOf(page);
    if (start < from || start > to) return undefined;
    const end = start + this.direction * (this.size - 1);
    return this.descending ? { from: Math.max(end, from), to: start } : { from: start, to: Math.min(end, to) };
  }
}

interface NumberedPage {
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
