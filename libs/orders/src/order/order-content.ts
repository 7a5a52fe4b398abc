import { hash } from 'node:crypto';
import { BSON, Long } from 'mongodb';
import { toDocument, type OrderDocument } from './order-document.js';
import type { Order } from './order.js';

/** The bytes of an order's content in BSON begin after the length of the document. */
export const CONTENT_AT = 4;
/** Bytes of a content hash. */
export const HASH_BYTES = 16;

const NO_INGEST: OrderDocument['ingest'] = {
  operationId: null,
  partition: 0,
  offset: Long.ZERO,
  attempts: 0,
  savedAt: new Date(0),
};

/** Returns the BSON fields of an order as MongoDB must store them, without `ingest`, which comes last. */
export function contentOf(order: Order): Buffer {
  const { ingest: _ingest, ...content } = toDocument(order, NO_INGEST);
  const bytes = BSON.serialize(content);
  return Buffer.from(bytes.buffer, bytes.byteOffset + CONTENT_AT, bytes.length - CONTENT_AT - 1);
}

/** Returns the first 16 bytes of the SHA-256 of an order's content. */
export function hashOf(content: Buffer): Buffer {
  return hash('sha256', content, 'buffer').subarray(0, HASH_BYTES);
}
