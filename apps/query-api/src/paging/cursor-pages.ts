import type { Order } from '#orders/order/order.js';
import type { SavedOrders } from '../orders/saved-orders.js';
import { indexInterval, type Position, type StartAfter } from '../order-query/index-interval.js';
import { sortValueOf, type OrderQuery } from '../order-query/order-query.js';
import type { OrdersPage } from './orders-page.js';
import type { Cursor, PageTokens, TokenScope } from './page-token.js';

/** The pages beside a page: the paths to follow, and the tokens in them. */
export type CursorLinks = Pick<OrdersPage['page'], 'next' | 'nextToken' | 'prev' | 'prevToken'>;

export interface CursorPage {
  readonly orders: readonly Order[];
  readonly links: CursorLinks;
}

/**
 * Cursor pagination over one order query. A page starts after the last order of the previous page, by sort value and order number. Both
 * never change, so each order that exists at the start is returned exactly once, also while new orders are saved.
 */
export class CursorPages {
  constructor(
    private readonly orderQuery: OrderQuery,
    private readonly scope: TokenScope,
    private readonly tokens: PageTokens,
    /** Orders per page. */
    private readonly size: number,
  ) {}

  /** The path of the first page. */
  get beginning(): string {
    return `${this.scope.path}pageSize=${this.size}`;
  }

  /** Returns the links to the page that follows or precedes an order. */
  from(order: Order, direction: Cursor['direction']): CursorLinks {
    const position: Position = { value: sortValueOf(order, this.orderQuery.sort.field), number: order.number };
    const token = this.tokens.seal({ direction, position }, this.scope);
    const path = `${this.scope.path}pageToken=${token}&pageSize=${this.size}`;
    return direction === 'next' ? { next: path, nextToken: token } : { prev: path, prevToken: token };
  }

  /**
   * Reads one page.
   * @param token where the page starts; `undefined`: the first page
   */
  async page(saved: SavedOrders, token: string | undefined): Promise<CursorPage> {
    const cursor = token === undefined ? undefined : this.tokens.open(token, this.orderQuery.sort.field, this.scope);
    const isForward = cursor?.direction !== 'prev';
    const direction = isForward === this.orderQuery.sort.descending ? -1 : 1;
    const startAfter: StartAfter | undefined = cursor && { position: cursor.position, direction };
    const interval = indexInterval(this.orderQuery, startAfter);
    // One order more than the page size shows whether there is another page.
    const found = await saved.scan({ interval, direction, limit: this.size + 1 });
    const hasMore = found.length > this.size;
    const orders = isForward ? found.slice(0, this.size) : found.slice(0, this.size).toReversed();
    const [first, last] = [orders[0], orders.at(-1)];
    return {
      orders,
      // A page that was opened by a token always has a page on the side that the cursor came from.
      links: {
        ...(last && (hasMore || !isForward) && this.from(last, 'next')),
        ...(first && (isForward ? cursor !== undefined : hasMore) && this.from(first, 'prev')),
      },
    };
  }
}
