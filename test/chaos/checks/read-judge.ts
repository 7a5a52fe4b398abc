import { isDeepStrictEqual } from 'node:util';
import type { OrderResponse } from '#orders/order/order-response.js';

/** A response of the query API. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface Judgement {
  /** `absent` is correct too, but proves less: the response correctly contains no orders yet. `lie` is a wrong answer. */
  readonly outcome: 'right' | 'absent' | 'error' | 'lie';
  /** Why the response is not correct. */
  readonly reason: string | null;
}

const RIGHT: Judgement = { outcome: 'right', reason: null };
const ABSENT: Judgement = { outcome: 'absent', reason: null };
const lie = (reason: string): Judgement => ({ outcome: 'lie', reason });

/** Statuses of declared errors: the service can't answer now. */
const DECLARED_ERRORS = new Set([429, 503, 504]);

/** @param isSaved whether the order was known to be saved before the request was sent */
export function judgeOrder({ status, body }: Answer, expected: OrderResponse, isSaved: boolean): Judgement {
  if (status === 404) return isSaved ? lie(`order ${expected.number} is saved, but the response is a 404`) : ABSENT;
  if (status !== 200) return judgeError(status);
  return isDeepStrictEqual(body, expected) ? RIGHT : lie(`order ${expected.number} differs from the created order`);
}

/**
 * @param expected all orders that may be in the response @param isSaved whether an order number was known to be saved before the request
 */
export function judgePage(
  { status, body }: Answer,
  expected: readonly OrderResponse[],
  isSaved: (number: number) => boolean,
): Judgement {
  if (status !== 200) return judgeError(status);
  if (!isPage(body)) return lie('the body is not a page of orders');
  const { items } = body;
  const byNumber = new Map(expected.map((order) => [order.number, order]));
  for (const [at, item] of items.entries()) {
    if (!isDeepStrictEqual(item, byNumber.get(item.number)))
      return lie(`order ${item.number} differs from the created order`);
    if (at > 0 && item.number <= (items[at - 1]?.number ?? 0)) return lie(`order ${item.number} is out of order`);
  }
  const returned = new Set(items.map(({ number }) => number));
  const missing = expected.find(({ number }) => isSaved(number) && !returned.has(number));
  if (missing !== undefined) return lie(`order ${missing.number} is saved, but missing from its page`);
  return items.length > 0 ? RIGHT : ABSENT;
}

function isPage(body: unknown): body is { readonly items: readonly OrderResponse[] } {
  if (typeof body !== 'object' || body === null || !('items' in body) || !Array.isArray(body.items)) return false;
  return body.items.every((item: unknown) => typeof item === 'object' && item !== null && 'number' in item);
}

/** A 500 is a wrong answer: it is an error that the service does not handle. */
function judgeError(status: number): Judgement {
  return DECLARED_ERRORS.has(status) ? { outcome: 'error', reason: `status ${status}` } : lie(`status ${status}`);
}

const RECENT = 20;

/** Tracks which orders of one operation are known to be saved, and how many per partition. */
export class SavedNumbers {
  total = 0;
  /** Saved orders since the beginning, by partition. */
  readonly byPartition: number[];
  private readonly known: Uint8Array;
  /** Indexes of the last saved orders, as a ring buffer. */
  private readonly recent: number[] = [];

  constructor(
    private readonly firstNumber: number,
    count: number,
    partitions: number,
  ) {
    this.known = new Uint8Array(count);
    this.byPartition = Array.from({ length: partitions }, () => 0);
  }

  note({ number, partition }: { readonly number: number; readonly partition: number }): void {
    const index = number - this.firstNumber;
    if (index < 0 || index >= this.known.length) return;
    this.known[index] = 1;
    this.recent[this.total % RECENT] = index;
    this.total += 1;
    this.byPartition[partition] = (this.byPartition[partition] ?? 0) + 1;
  }

  /** Records that a read returned the order: later reads must return it too, even before the change stream reports its insert. */
  noteReturned(number: number): void {
    const index = number - this.firstNumber;
    if (index >= 0 && index < this.known.length) this.known[index] = 1;
  }

  has(number: number): boolean {
    return this.known[number - this.firstNumber] === 1;
  }

  /** Draws the index of a recently saved order; `undefined` while no order is saved. */
  oneOfTheLast(draw: (below: number) => number): number | undefined {
    return this.recent.length === 0 ? undefined : this.recent[draw(this.recent.length)];
  }
}
