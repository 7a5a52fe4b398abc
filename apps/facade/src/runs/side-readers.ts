import { parseStrictJson, comparable } from '#legacy/json/strict-json.js';
import type { Order } from '#orders/order/order.js';
import { INTERVAL_NUMBERS, type NumberInterval, type LegacyRead, SideUnavailableError } from '../sides/side.js';
import type { BucketStore } from '../writes/bucket-store.js';
import { readTargetOrder } from '../sides/target-reads.js';
import { textOf } from '../sides/side-connection.js';
import type { SidePair } from '../sides/sides.js';

/** An answer about more numbers could take the legacy system too long. */
const MAX_ASKED = 1_024 * INTERVAL_NUMBERS;

/**
 * Finds where orders go on after an empty interval, by asking about more and more numbers at once, and then about less and less. A
 * client may choose a number far above all others: page by page, the numbers between would take up to a million requests.
 * @param from the first number of an interval
 * @param isEmpty if it rejects, nothing more is skipped
 * @returns the first number of an interval that is not empty; above `upTo` if all are
 */
export async function skipEmpty(
  from: number,
  upTo: number,
  isEmpty: (interval: NumberInterval) => Promise<boolean>,
): Promise<number> {
  let start = from;
  let asked = INTERVAL_NUMBERS;
  let isGrowing = true;
  while (start <= upTo) {
    const to = Math.min(start + asked - 1, upTo);
    const answer = await isEmpty({ from: start, to }).catch(() => 'unknown');
    // The interval itself is read next, and shows what is wrong.
    if (answer === 'unknown') return start;
    if (answer === true) start = to + 1;
    else if (asked === INTERVAL_NUMBERS) return start;
    else isGrowing = false;
    asked = isGrowing ? Math.min(asked * 2, MAX_ASKED) : Math.max(asked / 2, INTERVAL_NUMBERS);
  }
  return start;
}

/** The legacy system answered with something that is no page of orders. */
class UnreadablePageError extends Error {
  override readonly name = 'UnreadablePageError';
  readonly code = 'unreadable-page';
}

/** The rows of an answer of the legacy system. */
export interface LegacyRows {
  /** In the form of `comparable`: equal rows are deeply equal, and no digit is lost. */
  readonly comparable: readonly unknown[];
  /** The same rows in the form of `parseStrictJson`, for the translation. Parsed at the first call. */
  readonly strict: () => readonly unknown[];
}

/**
 * Reads the body of a page or a range.
 *
 * The strict parser needs 12 us for an order, `JSON.parse` needs 1. That parser has lost nothing if its result, written again, is the
 * same text: every number is in its shortest form, and no key is doubled. Line breaks don't count: inside of a string, JSON has none.
 * @throws UnreadablePageError if it is no JSON array
 */
export function legacyRows(body: string): LegacyRows {
  const quick = losslessly(body);
  let strict: readonly unknown[] | undefined;
  if (Array.isArray(quick)) return { comparable: quick, strict: () => (strict ??= strictRows(body)) };
  const rows = strictRows(body);
  return { comparable: rows.map(comparable), strict: () => rows };
}

function losslessly(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return JSON.stringify(value) === body.replaceAll('\n', '') ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function strictRows(body: string): readonly unknown[] {
  const parsed = parseStrictJson(body);
  if ('fault' in parsed) throw new UnreadablePageError(`the body ${parsed.fault.detail}`);
  if (!Array.isArray(parsed.value)) throw new UnreadablePageError('the body is no array of orders');
  return parsed.value as readonly unknown[];
}

/** What a verification reads. Each call rejects if the side does not answer. */
export interface VerifiedSides {
  /** Returns the legacy system's orders with these numbers. */
  legacy(interval: NumberInterval, signal: AbortSignal): Promise<LegacyRows>;

  /** Returns the target's orders with these legacy numbers. */
  target(interval: NumberInterval, signal: AbortSignal): Promise<readonly Order[]>;

  /** Returns whether neither side has an order with one of these numbers. They may be a million. */
  isEmpty(interval: NumberInterval, signal: AbortSignal): Promise<boolean>;

  /** Returns the numbers of the interval whose admitted write is still missing on a side. */
  openNumbers(interval: NumberInterval): Promise<ReadonlySet<number>>;
}

/** 1,000 orders of the legacy system with every field at its longest are below this. */
const MAX_BYTES = 2 * 1024 * 1024;

/** Reads both sides over HTTP, and the open intents in MongoDB. */
export class SideReaders implements VerifiedSides {
  constructor(
    private readonly sides: SidePair,
    private readonly buckets: BucketStore,
  ) {}

  /** @throws SideUnavailableError; UnreadablePageError if the answer is no page of orders */
  async legacy(interval: NumberInterval, signal: AbortSignal): Promise<LegacyRows> {
    const answer = await this.sides.legacy.read(legacyRead(interval), MAX_BYTES, signal);
    if (answer.status !== 200)
      throw new SideUnavailableError(
        'legacy',
        'bad-answer',
        `numbers ${interval.from}… responded with ${answer.status}`,
      );
    return legacyRows(textOf(answer));
  }

  /** @throws SideUnavailableError; TargetAnswerError if the answer has something else than orders */
  async target(interval: NumberInterval, signal: AbortSignal): Promise<readonly Order[]> {
    const orders: Order[] = [];
    for await (const { items } of this.sides.new.reads.pages(interval, signal))
      orders.push(...items.map(readTargetOrder));
    return orders;
  }

  /** @throws SideUnavailableError */
  async isEmpty(interval: NumberInterval, signal: AbortSignal): Promise<boolean> {
    const { legacy, new: target } = this.sides;
    return (await legacy.isEmpty(interval, signal)) && target.reads.isEmpty(interval, signal);
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
