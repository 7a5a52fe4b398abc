import { z } from 'zod';
import type { LegacyRecord } from '#legacy/translation/to-legacy.js';
import type { LegacyOrder } from '#orders/order/order.js';

/** The two systems behind the facade: the legacy system, and `new`, the target that replaces it. */
export const SIDES = ['legacy', 'new'] as const;
export type SideName = (typeof SIDES)[number];
/** The sides as messages name them. */
export const SIDE_TEXTS: Readonly<Record<SideName, string>> = { legacy: 'the legacy system', new: 'the target' };

/**
 * What a side answered to a write.
 * - `stored`: the side has the order for good; a repeat of the same order is `stored` again.
 * - `refused`: the side will never store it. `code` is stable, `message` is the side's own reason.
 * - `unknown`: no answer, or a 5xx. The order may be stored now or later; only a repeat finds out.
 */
export type WriteOutcome =
  | { readonly result: 'stored' }
  | { readonly result: 'refused'; readonly code: string; readonly message: string; readonly status: number }
  | { readonly result: 'unknown'; readonly message: string };

/** A system that stores orders. Each write carries the order's id and legacy number, so that repeating it is harmless. */
export interface WrittenSide {
  /**
   * Writes orders of any accounts, in their order. Resolves when each has an outcome; never rejects.
   * For the target, `stored` means that Kafka has the order; `areReadable` says when reads return it.
   */
  write(orders: readonly LegacyOrder[], signal: AbortSignal): Promise<readonly WriteOutcome[]>;

  /**
   * Returns for each id whether reads of the side return it. An order that the side acknowledged and then could not save, such as a
   * dead letter, is `refused`.
   * @throws Error if the side does not answer
   */
  areReadable(ids: readonly string[], signal: AbortSignal): Promise<readonly Readability[]>;

  /**
   * Returns the orders that the side has, as the legacy system shows them; none for an unknown id.
   * @throws Error if the side does not answer, or if its answer has something else than orders
   */
  find(read: FewOrders, signal: AbortSignal): Promise<readonly LegacyRecord[]>;
}

/** Both sides, as writes use them. */
export type WrittenSides = Readonly<Record<SideName, WrittenSide>>;

/** What reads of a side say about an order. */
export type Readability = 'readable' | 'not-yet' | 'refused';

/** Why a side gave no answer. The codes are stable. */
export type UnavailableReason = 'time-out' | 'no-connection' | 'breaker-open' | 'overloaded' | 'bad-answer';

/** Thrown when a side gave no usable answer. */
export class SideUnavailableError extends Error {
  override readonly name = 'SideUnavailableError';

  constructor(
    readonly side: SideName,
    readonly reason: UnavailableReason,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${publicText(side, reason)}: ${detail}`, options);
  }

  /** Whether a request was sent: its outcome is then unknown. */
  get wasAsked(): boolean {
    return this.reason !== 'breaker-open' && this.reason !== 'overloaded';
  }

  /** The message for clients, without what it shows of the network. */
  get publicMessage(): string {
    return publicText(this.side, this.reason);
  }

  /** Stable: `legacy-away` or `new-away`. */
  get code(): `${SideName}-away` {
    return `${this.side}-away`;
  }
}

function publicText(side: SideName, reason: UnavailableReason): string {
  return `${SIDE_TEXTS[side]} gave no answer (${reason})`;
}

const RecordSchema = z.looseObject({
  id: z.string(),
  number: z.int().min(1),
  accountId: z.string(),
  side: z.enum(['buy', 'sell']),
  symbol: z.string(),
  quantity: z.number(),
  price: z.number(),
  amount: z.number(),
  currency: z.string(),
  createdAt: z.string(),
});

/** Reads orders from an answer in the form of the legacy system: one order, a list, or `null`. @throws SideUnavailableError */
export function recordsIn(text: string, side: SideName): readonly LegacyRecord[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SideUnavailableError(side, 'bad-answer', String(error), { cause: error });
  }
  const parsed = z.array(RecordSchema).safeParse(value === null ? [] : [value].flat());
  if (parsed.success) return parsed.data;
  throw new SideUnavailableError(side, 'bad-answer', `no orders: ${text.slice(0, 60)}`);
}

/** An interval of legacy numbers, both ends included. */
export interface NumberInterval {
  readonly from: number;
  readonly to: number;
}

/** The numbers of a page of the legacy system. A run handles as many at once. */
export const INTERVAL_NUMBERS = 1_000;

/** Returns the interval that begins at a number; the last one ends at `upTo`. */
export function intervalFrom(from: number, upTo: number): NumberInterval {
  return { from, to: Math.min(from + INTERVAL_NUMBERS - 1, upTo) };
}

/** A read of the legacy system's API. */
export type LegacyRead =
  | { readonly capability: 'read-by-id'; readonly id: string }
  | { readonly capability: 'read-by-page'; readonly page: number }
  | { readonly capability: 'read-by-range'; readonly start: number; readonly end: number };

/** A read of the facade itself, by id or of a short range. */
export type FewOrders = Exclude<LegacyRead, { capability: 'read-by-page' }>;

/** The orders that a read may return: one id, or the legacy numbers of an interval, both ends included. */
export type AskedOrders = { readonly id: string } | NumberInterval;

/** Returns the orders that a read may return. */
export function askedOrders(read: LegacyRead): AskedOrders {
  if (read.capability === 'read-by-id') return { id: read.id };
  if (read.capability === 'read-by-range') return { from: read.start, to: read.end };
  return { from: (read.page - 1) * INTERVAL_NUMBERS + 1, to: read.page * INTERVAL_NUMBERS };
}

/** Returns whether an order is one of those. */
export function isAsked(asked: AskedOrders, { id, number }: { readonly id: string; readonly number: number }): boolean {
  return 'id' in asked ? id === asked.id : number >= asked.from && number <= asked.to;
}

/** Returns the key whose bucket decides about a read: what is asked for. */
export function readKey(read: LegacyRead): string {
  if (read.capability === 'read-by-id') return read.id;
  return `${read.capability}:${read.capability === 'read-by-page' ? read.page : read.start}`;
}

/** 409: it contradicts a stored order. */
const FINAL = new Set([400, 409, 413, 422]);

/**
 * Returns whether a status refuses an order for ever. Others may change without the order: a wrong token (401), a wrong address (404),
 * too many requests (429), a failure (5xx). The order may then still be stored.
 */
export function isFinalRefusal(status: number): boolean {
  return FINAL.has(status);
}
