import { fromResponse } from '#legacy/translation/api-order.js';
import type { Order } from '#orders/order/order.js';
import type { BucketStore } from '../intents/bucket-store.js';
import type { LegacyRead } from '../sides/legacy-read.js';
import { INTERVAL_NUMBERS, type NumberInterval } from '../sides/number-interval.js';
import { NewAnswerError } from '../sides/new-answer.js';
import { SideAwayError } from '../sides/side-away-error.js';
import type { SidePair } from '../sides/sides.js';
import { legacyRows, type LegacyRows } from './legacy-rows.js';
import type { VerifiedSides } from './verified-sides.js';

/** 1,000 orders of the legacy system with every field at its longest are below this. */
const MAX_BYTES = 2 * 1024 * 1024;

/** Reads both sides over HTTP, and the open intents in MongoDB. */
export class SideReaders implements VerifiedSides {
  constructor(
    private readonly sides: SidePair,
    private readonly buckets: BucketStore,
  ) {}

  /** @throws SideAwayError; UnreadablePageError if the answer is no page of orders */
  async legacy(interval: NumberInterval, signal: AbortSignal): Promise<LegacyRows> {
    const { status, bytes } = await this.sides.legacy.read(legacyRead(interval), MAX_BYTES, signal);
    if (status !== 200)
      throw new SideAwayError('legacy', 'bad-answer', `numbers ${interval.from}… responded with ${status}`);
    return legacyRows(new TextDecoder().decode(bytes));
  }

  /** @throws SideAwayError; NewAnswerError if the answer has something else than orders */
  async created(interval: NumberInterval, signal: AbortSignal): Promise<readonly Order[]> {
    const orders: Order[] = [];
    for await (const { items } of this.sides.newReads.pages(interval, signal))
      for (const item of items) orders.push(orderOf(item));
    return orders;
  }

  /** @throws SideAwayError */
  async isEmpty(interval: NumberInterval, signal: AbortSignal): Promise<boolean> {
    const { legacy, newReads } = this.sides;
    return (await legacy.isEmpty(interval, signal)) && newReads.isEmpty(interval, signal);
  }

  async openNumbers(interval: NumberInterval): Promise<ReadonlySet<number>> {
    return new Set((await this.buckets.findOpen(interval)).map(({ number }) => number));
  }
}

/** A whole page is one file of the legacy system, which it sends as it is. */
function legacyRead({ from, to }: NumberInterval): LegacyRead {
  if (to - from + 1 < INTERVAL_NUMBERS) return { capability: 'read-by-range', start: from, end: to };
  return { capability: 'read-by-page', page: (from - 1) / INTERVAL_NUMBERS + 1 };
}

function orderOf(item: unknown): Order {
  const read = fromResponse(item);
  if ('order' in read) return read.order;
  throw new NewAnswerError(read.reason.code, read.reason.field, read.reason.detail);
}
