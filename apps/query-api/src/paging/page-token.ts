import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalidRequest } from '#service/http/problem.js';
import type { Position } from '../order-query/index-interval.js';
import type { SortField, SortValue } from '../order-query/order-query.js';

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
