import { BSON, Long, UUID } from 'mongodb';
import { toDocument, type Ingest, type IngestTrace } from '#orders/order/order-document.js';
import type { Order } from '#orders/order/order.js';

/** How a consumer has saved an order. */
export const INGEST: Ingest = {
  operationId: new UUID('01935c9e-8a00-7000-8000-000000000001'),
  partition: 3,
  offset: Long.fromNumber(7),
  attempts: 1,
  savedAt: new Date('2026-01-15T12:00:00Z'),
};

/** What is stored in addition of a traced order. */
export const TRACED: IngestTrace = {
  id: '0af7651916cd43dd8448eb211c80319c',
  appendedAt: new Date('2026-01-15T11:59:58Z'),
  fetchedAt: new Date('2026-01-15T11:59:58.100Z'),
  takenAt: new Date('2026-01-15T11:59:58.200Z'),
  startedAt: new Date('2026-01-15T11:59:59Z'),
};

/** Returns the raw document of a saved order, with these fields changed. */
export function storedOrder(order: Order, change: object = {}): Buffer {
  return Buffer.from(BSON.serialize({ ...toDocument(order, INGEST), ...change }));
}
