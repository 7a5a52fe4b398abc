import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalidRequest } from '#service/http/problem.js';
import type { Order } from '#orders/order/order.js';
import { type Position, indexInterval, type StartAfter } from '../order-query/index-interval.js';
import { type SortField, type SortValue, sortValueOf, type OrderQuery } from '../order-query/order-query.js';
import type { SavedOrders } from '../orders/saved-orders.js';
import type { OrdersPage } from './orders-page.js';

/** The state of a cursor pagination: the last order of the previous page, and the direction to continue in. */
export interface Cursor {
  readonly direction: 'next' | 'prev';
  readonly position: Position;
}

/** The order query and the caller that a token is bound to. */
export interface TokenScope {
  /** The canonical path of the order query, without paging parameters. */
  readonly path: string;
  /** The subject of the caller's token; `null` without authentication. */
  readonly caller: string | null;
}

/** The cursor as a token encodes it. */
type TokenPayload = readonly [forward: 0 | 1, number: number, value?: number | string];

const MAC_BYTES = 16;

/**
 * Creates and opens page tokens: a cursor, bound to its order query and caller with HMAC-SHA-256. A caller can't forge a token, or use
 * one for another order query or of another caller. The page size is not bound, so it may change from page to page.
 */
export class PageTokens {
  private readonly secrets: readonly [string, ...string[]];

  /** @param before previous secrets; tokens that they sealed still open */
  constructor(secret: string, before: readonly string[] = []) {
    this.secrets = [secret, ...before];
  }

  seal({ direction, position }: Cursor, scope: TokenScope): string {
    const payload: TokenPayload = [direction === 'next' ? 1 : 0, position.number, ...encodedValue(position)];
    const body = Buffer.from(JSON.stringify(payload));
    return Buffer.concat([mac(this.secrets[0], body, scope), body]).toString('base64url');
  }

  /**
   * Verifies a token and returns its cursor.
   * @param sort the field that the order query sorts by
   * @throws Problem 400 for a token that was changed, belongs to another order query or caller, or was sealed with an unknown secret
   */
  open(token: string, sort: SortField, scope: TokenScope): Cursor {
    const bytes = Buffer.from(token, 'base64url');
    const body = bytes.subarray(MAC_BYTES);
    // Node ignores characters that are not base64url, so only the canonical spelling of a token is accepted.
    if (!this.isGenuine(bytes, scope) || bytes.toString('base64url') !== token)
      throw invalidRequest([
        {
          field: 'pageToken',
          in: 'query',
          detail: 'is not a token of this order query: start again at its first page',
        },
      ]);
    const [forward, number, value] = JSON.parse(body.toString()) as TokenPayload;
    return {
      direction: forward === 1 ? 'next' : 'prev',
      position: { number, value: readValue(sort, value ?? number) },
    };
  }

  private isGenuine(bytes: Buffer, scope: TokenScope): boolean {
    const sealed = bytes.subarray(0, MAC_BYTES);
    const body = bytes.subarray(MAC_BYTES);
    return (
      sealed.length === MAC_BYTES && this.secrets.some((secret) => timingSafeEqual(sealed, mac(secret, body, scope)))
    );
  }
}

function encodedValue({ value, number }: Position): [] | [number | string] {
  if (typeof value === 'bigint') return [value.toString()];
  if (value instanceof Date) return [value.getTime()];
  return value === number ? [] : [value];
}

function readValue(sort: SortField, value: number | string): SortValue {
  if (sort === 'amount') return BigInt(value);
  return sort === 'createdAt' ? new Date(Number(value)) : Number(value);
}

function mac(secret: string, body: Buffer, { path, caller }: TokenScope): Buffer {
  return createHmac('sha256', secret)
    .update(JSON.stringify(['page-token', path, caller]))
    .update(body)
    .digest()
    .subarray(0, MAC_BYTES);
}

/** The pages beside a page: the paths to follow, and the tokens in them. */
type CursorLinks = Pick<OrdersPage['page'], 'next' | 'nextToken' | 'prev' | 'prevToken'>;

interface CursorPage {
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
