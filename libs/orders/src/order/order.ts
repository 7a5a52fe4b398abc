import { createHash } from 'node:crypto';
import { validate as isUuid } from 'uuid';
import { MAX_AMOUNT, MAX_PRICE, type Money } from './money.js';

export const SIDES = ['buy', 'sell'] as const;
export type Side = (typeof SIDES)[number];

/** The largest `quantity`; the smallest is 1. */
export const MAX_QUANTITY = 10_000;

/** A financial order. Orders are append-only: once written, none of these fields ever changes. */
export interface Order {
  /** UUID, lower case. Derived from (operation id, index) for generated orders. */
  readonly id: string;
  /** Dense and unique, 1 to 2^53 - 1: a page of an unfiltered order query is a range of numbers. */
  readonly number: number;
  /** The record's key on the topic: orders of one account are saved in offset order. */
  readonly accountId: string;
  readonly side: Side;
  readonly symbol: string;
  /** 1 to 10,000. */
  readonly quantity: number;
  /** decimal(18,4), above zero. */
  readonly price: Money;
  /** decimal(22,4): exactly quantity x price. */
  readonly amount: Money;
  /** ISO 4217. */
  readonly currency: string;
  readonly createdAt: Date;
  /** Only for orders that came from the legacy system. */
  readonly legacy?: { readonly number: number; readonly filled: readonly string[] };
}

/** The fields of every order besides its id and number, in the order in which records, exports and messages list them. */
export const CONTENT_FIELDS = [
  'accountId',
  'side',
  'symbol',
  'quantity',
  'price',
  'amount',
  'currency',
  'createdAt',
] as const satisfies readonly (keyof Order)[];

/** The fields of every order. Those of the legacy system also have `legacy`. */
export const ORDER_FIELDS = ['id', 'number', ...CONTENT_FIELDS] as const satisfies readonly (keyof Order)[];

/** An order of the legacy system. It gets its number here once a block of numbers is reserved for it. */
export type LegacyOrder = Omit<Order, 'number' | 'legacy'> & { readonly legacy: NonNullable<Order['legacy']> };

/** In characters. The account is the key of an order's record. */
export const MAX_ACCOUNT_LENGTH = 64;

/**
 * Returns the first rule above that a decoded order violates, or `undefined` if it is valid.
 * Avro's types can't express these rules, and a foreign producer may violate them. Such a record is invalid: a retry can not help.
 */
export function orderViolation(order: Order): string | undefined {
  if (!isUuid(order.id) || order.id !== order.id.toLowerCase()) return 'id is not a lower-case UUID';
  if (!Number.isSafeInteger(order.number) || order.number < 1) return 'number is outside 1..2^53-1';
  if (order.accountId.length === 0 || order.accountId.length > MAX_ACCOUNT_LENGTH)
    return `accountId is empty or longer than ${MAX_ACCOUNT_LENGTH}`;
  if (order.symbol.length === 0 || order.symbol.length > 32) return 'symbol is empty or longer than 32';
  if (!/^[A-Z]{3}$/.test(order.currency)) return 'currency is not an ISO 4217 code';
  if (order.quantity < 1 || order.quantity > MAX_QUANTITY) return `quantity is outside 1..${MAX_QUANTITY}`;
  if (order.price <= 0n || order.price > MAX_PRICE) return 'price is outside decimal(18,4) above zero';
  if (order.amount > MAX_AMOUNT || order.amount !== BigInt(order.quantity) * order.price)
    return 'amount is not exactly quantity x price';
  if (Number.isNaN(order.createdAt.getTime())) return 'createdAt is not a date';
  return undefined;
}

/**
 * Derives order ids from (operation id, index): a UUID of version 8 (RFC 9562, section 5.8) whose first 74 free bits are a
 * fingerprint (SHA-256) of the operation id and whose last 48 bits are the index.
 *
 * Guarantees: the same pair gives the same id on every machine; within one operation no two indexes share an id.
 * Neighbouring indexes are neighbours in the `_id` index, so inserts stay at the right edge of the B-tree. Random ids
 * (v4, v5) each touch a random page, which slows down a collection of ten million orders.
 * Not guaranteed: that an id is hard to guess. An id is not a secret.
 */
export function createOrderIds(operationId: string): (index: number) => string {
  const hash = createHash('sha256').update(operationId).digest();
  const hex = hash.toString('hex');
  const variant = (0x8000 | (hash.readUInt16BE(8) & 0x3fff)).toString(16);
  const prefix = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(12, 15)}-${variant}-`;
  return (index) => prefix + index.toString(16).padStart(12, '0');
}
