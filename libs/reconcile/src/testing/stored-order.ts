import { BSON, Long, UUID } from 'mongodb';
import { toDocument, type Ingest } from '#orders/order/order-document.js';
import type { Order } from '#orders/order/order.js';

/** How a consumer has saved an order. */
export const INGEST: Ingest = {
  operationId: new UUID('01935c9e-8a00-7000-8000-000000000001'),
  partition: 3,
  offset: Long.fromNumber(7),
  attempts: 1,
  savedAt: new Date('2026-01-15T12:00:00Z'),
};

/** Returns the raw document of a saved order, with these fields changed. */
export function storedOrder(order: Order, change: object = {}): Buffer {
  return Buffer.from(BSON.serialize({ ...toDocument(order, INGEST), ...change }));
}
