import { BSON } from 'mongodb';
import { CONTENT_AT } from '#orders/order/order-content.js';
import type { Ingest, OrderDocument } from '#orders/order/order-document.js';

/**
 * Compares orders with stored documents byte for byte: the BSON without `ingest`, which is the last field. It compares two
 * million documents per minute without decoding them. Comparing bytes is stronger than comparing hashes, and cheaper than
 * comparing fields.
 */
/** `_id` as a UUID comes first, then `number`, so the int64 is always at this offset. */
const NUMBER_NAME_AT = 30;
const NUMBER_AT = 38;
const ID_HEAD = Buffer.from('\x05_id\0\x10\0\0\0\x04', 'latin1');
const NUMBER_HEAD = Buffer.from('\x12number\0', 'latin1');
const INGEST_HEAD = Buffer.from('\x03ingest\0', 'latin1');

/** Returns whether a document has exactly the fields and values of this order, and no other field than `ingest`. */
export function hasContent(stored: Buffer, content: Buffer): boolean {
  const end = CONTENT_AT + content.length;
  if (stored.length <= end) return false;
  if (stored.compare(content, 0, content.length, CONTENT_AT, end) !== 0) return false;
  return end + 1 === stored.length || endsWithIngest(stored, end);
}

function endsWithIngest(stored: Buffer, at: number): boolean {
  if (!startsWith(stored, INGEST_HEAD, at)) return false;
  const ingestAt = at + INGEST_HEAD.length;
  return ingestAt + stored.readInt32LE(ingestAt) + 1 === stored.length;
}

/** Returns the BSON fields of a document, without `ingest`, which must come last; `undefined` if it doesn't. */
export function contentIn(stored: Buffer): Buffer | undefined {
  const at = ingestNameAt(stored);
  return at === undefined ? undefined : stored.subarray(CONTENT_AT, at);
}

/** Returns the content of a document as `contentIn`, and decodes `ingest` alone. */
export function splitStored(stored: Buffer): { readonly content: Buffer; readonly ingest: Ingest } | undefined {
  const at = ingestNameAt(stored);
  if (at === undefined) return undefined;
  const ingest = BSON.deserialize(stored.subarray(at + INGEST_HEAD.length, stored.length - 1)) as Ingest;
  return { content: stored.subarray(CONTENT_AT, at), ingest };
}

function ingestNameAt(stored: Buffer): number | undefined {
  // The name may also occur in a value: then it is not followed by exactly the rest of the document.
  for (let at = stored.indexOf(INGEST_HEAD); at !== -1; at = stored.indexOf(INGEST_HEAD, at + 1))
    if (endsWithIngest(stored, at)) return at;
  return undefined;
}

/** Returns the number of a stored document; `undefined` if its layout is not the one that this pipeline writes. */
export function numberOf(stored: Buffer): number | undefined {
  if (!startsWith(stored, ID_HEAD, CONTENT_AT) || !startsWith(stored, NUMBER_HEAD, NUMBER_NAME_AT)) return undefined;
  return Number(stored.readBigInt64LE(NUMBER_AT));
}

/** Decodes a stored document. */
export function readStored(stored: Buffer): OrderDocument {
  return BSON.deserialize(stored) as OrderDocument;
}

function startsWith(bytes: Buffer, head: Buffer, at: number): boolean {
  return bytes.length >= at + head.length && bytes.compare(head, 0, head.length, at, at + head.length) === 0;
}
