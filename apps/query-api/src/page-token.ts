import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalidRequest } from '#service/problem.js';

/** Where a walk stands: the last order that the page before showed, and which way to go from there. */
export interface Cursor {
  readonly direction: 'next' | 'prev';
  readonly number: number;
}

const MAC_BYTES = 16;

/**
 * Page tokens: a cursor and what it is a cursor of, sealed with HMAC-SHA-256, so that a caller can neither forge one nor
 * use it for another question. The page size is not sealed: changing it on the way is fine.
 */
export class PageTokens {
  constructor(private readonly secret: string) {}

  /** @param scope all that the question asked for but paging; the same text opens the token again */
  seal(cursor: Cursor, scope: string): string {
    const body = Buffer.from(JSON.stringify([cursor.direction === 'next' ? 1 : 0, cursor.number]));
    return Buffer.concat([this.mac(body, scope), body]).toString('base64url');
  }

  /** @throws Problem (400) for a token that was changed, belongs to another question or was sealed with another secret */
  open(token: string, scope: string): Cursor {
    const bytes = Buffer.from(token, 'base64url');
    const body = bytes.subarray(MAC_BYTES);
    const mac = bytes.subarray(0, MAC_BYTES);
    // Node skips characters that are no base64url: only the one true spelling of a token is taken.
    const genuine =
      mac.length === MAC_BYTES && timingSafeEqual(mac, this.mac(body, scope)) && bytes.toString('base64url') === token;
    if (!genuine)
      throw invalidRequest([
        { field: 'pageToken', in: 'query', detail: 'is not a token of this question: begin again at its first page' },
      ]);
    const [forward, number] = JSON.parse(body.toString()) as [number, number];
    return { direction: forward === 1 ? 'next' : 'prev', number };
  }

  private mac(body: Buffer, scope: string): Buffer {
    return createHmac('sha256', this.secret)
      .update(`page-token\0${scope}\0`)
      .update(body)
      .digest()
      .subarray(0, MAC_BYTES);
  }
}
