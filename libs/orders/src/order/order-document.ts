import { Decimal128, Long, UUID, type Collection, type Db } from 'mongodb';
import { moneyFromDecimal128, moneyToDecimal128 } from './money.js';
import type { Order } from './order.js';

/** The times of a traced order on its way through Kafka and the consumer: of the record and the attempt that saved it. */
export interface IngestTrace {
  /** The id of its trace: 32 hexadecimal digits. */
  readonly id: string;
  /** When Kafka appended the record, by the clock of its broker. The other times are by the clock of the consumer. */
  readonly appendedAt: Date;
  readonly fetchedAt: Date;
  /** When the consumer took the record from its fetch buffer. */
  readonly takenAt: Date;
  /** When the attempt that saved it started. */
  readonly startedAt: Date;
}

/** How an order was ingested: everything that may differ between two attempts to save the same order. */
export interface Ingest {
  /** `null` for a record that belongs to no operation. */
  readonly operationId: UUID | null;
  readonly partition: number;
  /** The record's offset in its partition. */
  readonly offset: Long;
  /** Save attempts caused by this record itself, including the successful one. */
  readonly attempts: number;
  readonly savedAt: Date;
  /** The intake assigned `createdAt`: a repeat of the same request has another one. Absent if the client gave it. */
  readonly createdAtAssigned?: true;
  /** Absent if the order was not traced, or if traces were off. */
  readonly trace?: IngestTrace;
}

/** An order in MongoDB. */
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

/** Converts an int64: the driver returns it as a number when that is exact, or as `Long` if configured so. */
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

/** Compares two orders in every field. Equal orders make a replay harmless; any difference is a conflict. */
export function isSameOrder(a: Order, b: Order): boolean {
  return a.number === b.number && sameContent(a, b) && sameLegacy(a, b);
}

/**
 * Compares an incoming order with a stored one, regardless of the number: each import and each repeated request assigns new numbers,
 * so the same order differs in nothing else. An order that did not come from the legacy system equals its own export.
 * @param stored its number only counts when it has no `legacy`
 */
export function isRepeatedOrder(stored: Order, incoming: Omit<Order, 'number'>): boolean {
  if (!sameContent(stored, incoming)) return false;
  if (stored.legacy !== undefined || incoming.legacy === undefined) return sameLegacy(stored, incoming);
  return incoming.legacy.filled.length === 0 && incoming.legacy.number === stored.number;
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

/** The collection of saved orders. */
export function ordersCollection(db: Db): Collection<OrderDocument> {
  return db.collection<OrderDocument>('orders');
}
