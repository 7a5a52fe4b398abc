import { isDeepStrictEqual } from 'node:util';
import type { OrderResponse } from '#orders/order-response.js';

/** What a query API has answered. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface Judgement {
  /** `absent` is as right as `right`, and proves less: there is nothing yet, and that is what was told. */
  readonly outcome: 'right' | 'absent' | 'error' | 'lie';
  /** Why it is no right one. */
  readonly reason: string | null;
}

const RIGHT: Judgement = { outcome: 'right', reason: null };
const ABSENT: Judgement = { outcome: 'absent', reason: null };
const lie = (reason: string): Judgement => ({ outcome: 'lie', reason });

/** Statuses that say that it can't be told now. */
const HONEST = new Set([429, 503, 504]);

/** @param isSaved it was known to be saved before the question was sent */
export function judgeOrder({ status, body }: Answer, expected: OrderResponse, isSaved: boolean): Judgement {
  if (status === 404) return isSaved ? lie(`order ${expected.number} is saved, and there is no such order`) : ABSENT;
  if (status !== 200) return unanswered(status);
  return isDeepStrictEqual(body, expected) ? RIGHT : lie(`order ${expected.number} is not what it was made as`);
}

/** @param expected all orders that can be among those asked for @param isSaved as above, by an order's number */
export function judgePage(
  { status, body }: Answer,
  expected: readonly OrderResponse[],
  isSaved: (number: number) => boolean,
): Judgement {
  if (status !== 200) return unanswered(status);
  if (!isPage(body)) return lie('what came is no page');
  const { items } = body;
  const byNumber = new Map(expected.map((order) => [order.number, order]));
  for (const [at, item] of items.entries()) {
    if (!isDeepStrictEqual(item, byNumber.get(item.number)))
      return lie(`order ${item.number} is not what it was made as`);
    if (at > 0 && item.number <= (items[at - 1]?.number ?? 0)) return lie(`order ${item.number} is out of its place`);
  }
  const there = new Set(items.map(({ number }) => number));
  const missing = expected.find(({ number }) => isSaved(number) && !there.has(number));
  if (missing !== undefined) return lie(`order ${missing.number} is saved, and is not on its page`);
  return items.length > 0 ? RIGHT : ABSENT;
}

function isPage(body: unknown): body is { readonly items: readonly OrderResponse[] } {
  if (typeof body !== 'object' || body === null || !('items' in body) || !Array.isArray(body.items)) return false;
  return body.items.every((item: unknown) => typeof item === 'object' && item !== null && 'number' in item);
}

/** No 500: that is an error that nobody has thought of. */
function unanswered(status: number): Judgement {
  return HONEST.has(status) ? { outcome: 'error', reason: `status ${status}` } : lie(`status ${status}`);
}
