import { BSON, Long } from 'mongodb';
import { toDocument, type OrderDocument } from '#orders/order-document.js';
import type { Order } from '#orders/order.js';

/**
 * What an order is in MongoDB, byte for byte: its BSON without `ingest`, which comes last. Two million of these a minute are
 * compared without being read: a comparison of bytes is stronger than one of hashes, and cheaper than one of fields.
 */
const LENGTH_BYTES = 4;
/** `_id` as a UUID comes first, then `number`: the int64 stands always here. */
const NUMBER_NAME_AT = 30;
const NUMBER_AT = 38;
const ID_HEAD = Buffer.from('\x05_id\0\x10\0\0\0\x04', 'latin1');
const NUMBER_HEAD = Buffer.from('\x12number\0', 'latin1');
const INGEST_HEAD = Buffer.from('\x03ingest\0', 'latin1');

/** The fields of an order as MongoDB must hold them. */
export function contentOf(order: Order): Buffer {
  const { ingest: _ingest, ...content } = toDocument(order, NO_INGEST);
  const bytes = BSON.serialize(content);
  return Buffer.from(bytes.buffer, bytes.byteOffset + LENGTH_BYTES, bytes.length - LENGTH_BYTES - 1);
}

const NO_INGEST: OrderDocument['ingest'] = {
  operationId: null,
  partition: 0,
  offset: Long.ZERO,
  attempts: 0,
  savedAt: new Date(0),
};

/** Whether a stored document is this order: the same fields with the same values, and nothing beside them but `ingest`. */
export function hasContent(stored: Buffer, content: Buffer): boolean {
  const end = LENGTH_BYTES + content.length;
  if (stored.length <= end) return false;
  if (stored.compare(content, 0, content.length, LENGTH_BYTES, end) !== 0) return false;
  return end + 1 === stored.length || endsWithIngest(stored, end);
}

function endsWithIngest(stored: Buffer, at: number): boolean {
  if (!startsWith(stored, INGEST_HEAD, at)) return false;
  const ingestAt = at + INGEST_HEAD.length;
  return ingestAt + stored.readInt32LE(ingestAt) + 1 === stored.length;
}

/** The number of a stored document; `undefined` where it isn't laid out as this pipeline writes it. */
export function numberOf(stored: Buffer): number | undefined {
  if (!startsWith(stored, ID_HEAD, LENGTH_BYTES) || !startsWith(stored, NUMBER_HEAD, NUMBER_NAME_AT)) return undefined;
  return Number(stored.readBigInt64LE(NUMBER_AT));
}

/** The document itself. */
export function readStored(stored: Buffer): OrderDocument {
  return BSON.deserialize(stored) as OrderDocument;
}

function startsWith(bytes: Buffer, head: Buffer, at: number): boolean {
  return bytes.length >= at + head.length && bytes.compare(head, 0, head.length, at, at + head.length) === 0;
}
