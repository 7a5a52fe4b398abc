import type { Order } from '#orders/order.js';
import type { SavedOrders } from '../orders/saved-orders.js';
import { indexInterval, type Beyond, type Position } from '../order-query/index-interval.js';
import type { OrderQuery } from '../order-query/order-query.js';
import type { Cursor, PageTokens, TokenScope } from './page-token.js';

export interface CursorPage {
  readonly orders: readonly Order[];
  readonly next: string | undefined;
  readonly prev: string | undefined;
}

/**
 * One order query as a walk from order to order, whatever is saved meanwhile: a page begins behind the last order of the page before, by
 * what it is sorted by and its number, which never change. So each order that was there at the beginning is met exactly once.
 */
export class CursorPages {
  constructor(
    private readonly orderQuery: OrderQuery,
    private readonly scope: TokenScope,
    private readonly tokens: PageTokens,
    /** Orders of a page. */
    private readonly size: number,
  ) {}

  /** The path of the first page. */
  get beginning(): string {
    return `${this.scope.path}pageSize=${this.size}`;
  }

  /** The path of the page that goes on from an order, one way or the other. */
  from(order: Order, direction: Cursor['direction']): string {
    const position: Position = { value: order[this.orderQuery.sort.field], number: order.number };
    return `${this.scope.path}pageToken=${this.tokens.seal({ direction, position }, this.scope)}&pageSize=${this.size}`;
  }

  /** @param token where it goes on; `undefined`: at the beginning */
  async page(saved: SavedOrders, token: string | undefined): Promise<CursorPage> {
    const cursor = token === undefined ? undefined : this.tokens.open(token, this.orderQuery.sort.field, this.scope);
    const isForward = cursor?.direction !== 'prev';
    const direction = isForward === this.orderQuery.sort.descending ? -1 : 1;
    const beyond: Beyond | undefined = cursor && { position: cursor.position, direction };
    const interval = indexInterval(this.orderQuery, beyond);
    // One more than asked for tells whether there is a further page.
    const found = await saved.stretch({ interval, direction, limit: this.size + 1 });
    const hasMore = found.length > this.size;
    const orders = isForward ? found.slice(0, this.size) : found.slice(0, this.size).toReversed();
    const [first, last] = [orders[0], orders.at(-1)];
    return {
      orders,
      // Whoever came here by a token came from an order on the other side.
      next: last && (hasMore || !isForward) ? this.from(last, 'next') : undefined,
      prev: first && (isForward ? cursor !== undefined : hasMore) ? this.from(first, 'prev') : undefined,
    };
  }
}
