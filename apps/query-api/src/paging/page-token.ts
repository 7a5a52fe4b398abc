import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalidRequest } from '#service/problem.js';
import type { Position } from '../order-query/index-interval.js';
import type { SortField, SortValue } from '../order-query/order-query.js';

/** Where a walk stands: the last order that the page before showed, and which way to go from there. */
export interface Cursor {
  readonly direction: 'next' | 'prev';
  readonly position: Position;
}

/** What a token is good for, beside its cursor. */
export interface TokenScope {
  /** All that the order query asks for but paging, in its one spelling. */
  readonly path: string;
  /** Who asks; `null` where nobody is known. */
  readonly caller: string | null;
}

/** The cursor as it stands in a token. */
type Written = readonly [forward: 0 | 1, number: number, value?: number | string];

const MAC_BYTES = 16;

/**
 * Page tokens: a cursor and what it is a cursor of, sealed with HMAC-SHA-256, so that a caller can neither forge one nor
 * use it for another order query, nor somebody else's. The page size is not sealed: changing it on the way is fine.
 */
export class PageTokens {
  private readonly secrets: readonly [string, ...string[]];

  /** @param before secrets that were in use before: what they sealed still opens */
  constructor(secret: string, before: readonly string[] = []) {
    this.secrets = [secret, ...before];
  }

  seal({ direction, position }: Cursor, scope: TokenScope): string {
    const written: Written = [direction === 'next' ? 1 : 0, position.number, ...writtenValue(position)];
    const body = Buffer.from(JSON.stringify(written));
    return Buffer.concat([mac(this.secrets[0], body, scope), body]).toString('base64url');
  }

  /**
   * @param sort the field that the order query sorts by
   * @throws Problem (400) for a token that was changed, belongs to another order query or caller, or was sealed with another secret
   */
  open(token: string, sort: SortField, scope: TokenScope): Cursor {
    const bytes = Buffer.from(token, 'base64url');
    const body = bytes.subarray(MAC_BYTES);
    // Node skips characters that are no base64url: only the one true spelling of a token is taken.
    if (!this.isGenuine(bytes, scope) || bytes.toString('base64url') !== token)
      throw invalidRequest([
        {
          field: 'pageToken',
          in: 'query',
          detail: 'is not a token of this order query: begin again at its first page',
        },
      ]);
    const [forward, number, value] = JSON.parse(body.toString()) as Written;
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

function writtenValue({ value, number }: Position): [] | [number | string] {
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
