import { Decimal128, Long, UUID } from 'mongodb';
import { moneyFromDecimal128, moneyToDecimal128 } from './money.js';
import type { Order } from './order.js';

/** How an order came in: everything that may differ between two tries at the same order. */
export interface Ingest {
  /** `null` for a record that no operation made. */
  readonly operationId: UUID | null;
  readonly partition: number;
  /** The record's offset on its partition. */
  readonly offset: Long;
  /** Tries of the save that were this record's own, the successful one included. */
  readonly attempts: number;
  readonly savedAt: Date;
}

/** An order as MongoDB holds it. */
export interface OrderDocument {
  readonly _id: UUID;
  readonly number: Long;
  readonly accountId: string;
  readonly side: Order['side'];
  readonly symbol: string;
  readonly quantity: number;
  readonly price: Decimal128;
  readonly amount: Decimal128;
  readonly currency: string;
  readonly createdAt: Date;
  readonly legacy?: { readonly number: Long; readonly filled: readonly string[] };
  readonly ingest: Ingest;
}

export function toDocument(order: Order, ingest: Ingest): OrderDocument {
  return {
    _id: new UUID(order.id),
    number: Long.fromNumber(order.number),
    accountId: order.accountId,
    side: order.side,
    symbol: order.symbol,
    quantity: order.quantity,
    price: moneyToDecimal128(order.price),
    amount: moneyToDecimal128(order.amount),
    currency: order.currency,
    createdAt: order.createdAt,
    ...(order.legacy && { legacy: { number: Long.fromNumber(order.legacy.number), filled: order.legacy.filled } }),
    ingest,
  };
}

/** The driver gives int64 as a number where it is safe, and as `Long` where told to. */
function toNumber(value: Long | number): number {
  return typeof value === 'number' ? value : value.toNumber();
}

export function fromDocument(document: Omit<OrderDocument, 'ingest'>): Order {
  return {
    id: document._id.toHexString(),
    number: toNumber(document.number),
    accountId: document.accountId,
    side: document.side,
    symbol: document.symbol,
    quantity: document.quantity,
    price: moneyFromDecimal128(document.price),
    amount: moneyFromDecimal128(document.amount),
    currency: document.currency,
    createdAt: document.createdAt,
    ...(document.legacy && {
      legacy: { number: toNumber(document.legacy.number), filled: document.legacy.filled },
    }),
  };
}

/** Whether two orders are the same in every field: what makes a replay harmless, and anything else a conflict. */
export function sameOrder(a: Order, b: Order): boolean {
  return a.number === b.number && sameContent(a, b) && sameLegacy(a, b);
}

/**
 * Whether an order of an import is there already, under whatever number: an import always gives new ones, so an order that two
 * imports bring differs in nothing else. An order that came in without a legacy system is the same as its own export.
 * @param there its number only counts when it has no `legacy`
 */
export function sameImportedOrder(there: Order, imported: Omit<Order, 'number'>): boolean {
  if (imported.legacy === undefined || !sameContent(there, imported)) return false;
  if (there.legacy !== undefined) return sameLegacy(there, imported);
  return imported.legacy.filled.length === 0 && imported.legacy.number === there.number;
}

type Content = Omit<Order, 'number' | 'legacy'>;

function sameContent(a: Content, b: Content): boolean {
  return (
    a.id === b.id &&
    a.accountId === b.accountId &&
    a.side === b.side &&
    a.symbol === b.symbol &&
    a.quantity === b.quantity &&
    a.price === b.price &&
    a.amount === b.amount &&
    a.currency === b.currency &&
    a.createdAt.getTime() === b.createdAt.getTime()
  );
}

function sameLegacy(a: Pick<Order, 'legacy'>, b: Pick<Order, 'legacy'>): boolean {
  return a.legacy?.number === b.legacy?.number && a.legacy?.filled.join() === b.legacy?.filled.join();
}
