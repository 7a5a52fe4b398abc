import { hash, randomUUID } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import type { IntakeOrder } from '#orders/order/intake-order.js';
import { createOrderIds } from '#orders/order/order.js';

/** The UUID namespace of order ids that are derived from an Idempotency-Key. Changing it makes repeated requests new orders. */
const NAMESPACE = '5b0b5e0f-6e0d-4d0c-9d4f-0d8f0b1c2a37';

/** One request of `POST /v1/orders`. */
export interface OrdersRequest {
  readonly orders: readonly IntakeOrder[];
  /** The id of each order, in lower case. */
  readonly ids: readonly string[];
  /** Fingerprints of the caller and its Idempotency-Key, and of the request; `undefined` without a key. */
  readonly keyed: { readonly key: string; readonly request: string } | undefined;
}

/** Who sent a request. */
export interface RequestSource {
  /** The subject of the token; `undefined` without authentication. */
  readonly caller: string | undefined;
  /** The Idempotency-Key, if any. */
  readonly key: string | undefined;
  /** Whether the body is an array: an array of one order is another request than the order. */
  readonly isArray: boolean;
}

/**
 * Assigns the ids of orders that have none. With a key it is the UUIDv5 of (caller, key, index), so that a repeated request is the same
 * order even after its key has expired. Without a key, ids of one process follow each other, as those of an operation do.
 */
export function createRequest(
  orders: readonly IntakeOrder[],
  { caller = '', key, isArray }: RequestSource,
): OrdersRequest {
  if (key === undefined) return { orders, ids: orders.map(({ id }) => id ?? nextId()), keyed: undefined };
  const ids = orders.map(({ id }, index) => id ?? uuidv5(JSON.stringify([caller, key, index]), NAMESPACE));
  const keyed = { key: fingerprint([caller, key]), request: fingerprint([isArray, orders]) };
  return { orders, ids, keyed };
}

const idAt = createOrderIds(randomUUID());
let ids = 0;

function nextId(): string {
  ids += 1;
  return idAt(ids);
}

function fingerprint(value: unknown): string {
  const text = JSON.stringify(value, (_name, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
  return hash('sha256', text, 'base64url');
}
