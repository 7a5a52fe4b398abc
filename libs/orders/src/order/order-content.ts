import { hash } from 'node:crypto';
import { writeDecimal128 } from './money.js';
import type { Order } from './order.js';

/** The bytes of an order's content in BSON begin after the length of the document. */
export const CONTENT_AT = 4;
/** Bytes of a content hash. */
export const HASH_BYTES = 16;

/** Larger than any content: texts have at most 64 characters, and an import fills at most eight fields. */
const scratch = Buffer.alloc(4_096);
const view = new DataView(scratch.buffer, scratch.byteOffset, scratch.length);

const ID = Buffer.from('\x05_id\0\x10\0\0\0\x04', 'latin1');
const NUMBER = Buffer.from('\x12number\0', 'latin1');
const ACCOUNT_ID = Buffer.from('\x02accountId\0', 'latin1');
const SIDE = Buffer.from('\x02side\0', 'latin1');
const SYMBOL = Buffer.from('\x02symbol\0', 'latin1');
const QUANTITY = Buffer.from('\x10quantity\0', 'latin1');
const PRICE = Buffer.from('\x13price\0', 'latin1');
const AMOUNT = Buffer.from('\x13amount\0', 'latin1');
const CURRENCY = Buffer.from('\x02currency\0', 'latin1');
const CREATED_AT = Buffer.from('\x09createdAt\0', 'latin1');
const LEGACY = Buffer.from('\x03legacy\0', 'latin1');
const FILLED = Buffer.from('\x04filled\0', 'latin1');

/**
 * Returns the BSON fields of an order as MongoDB must store them, without `ingest`, which comes last. It writes the bytes itself: by
 * `toDocument` and the serializer, they would take four times as long and leave garbage of eight objects.
 */
export function contentOf(order: Order): Buffer {
  return Buffer.from(scratch.subarray(0, writeContent(order)));
}

/** Returns the first 16 bytes of the SHA-256 of an order's content, in hexadecimal digits. */
export function contentHash(order: Order): string {
  return hashOf(scratch.subarray(0, writeContent(order)));
}

/** Returns the hash of content that is stored. */
export function hashOf(content: Buffer): string {
  return hash('sha256', content, 'hex').slice(0, 2 * HASH_BYTES);
}

/** @returns the end of the content in the scratch buffer */
function writeContent({ id, number, price, amount, quantity, createdAt, legacy, ...texts }: Order): number {
  let at = ID.copy(scratch, 0);
  at += scratch.write(id.replaceAll('-', ''), at, 16, 'hex');
  at = writeInt64(NUMBER, number, at);
  at = writeText(ACCOUNT_ID, texts.accountId, at);
  at = writeText(SIDE, texts.side, at);
  at = writeText(SYMBOL, texts.symbol, at);
  at += QUANTITY.copy(scratch, at);
  at = scratch.writeInt32LE(quantity, at);
  at += PRICE.copy(scratch, at);
  writeDecimal128(price, view, at);
  at += 16;
  at += AMOUNT.copy(scratch, at);
  writeDecimal128(amount, view, at);
  at += 16;
  at = writeText(CURRENCY, texts.currency, at);
  at = writeInt64(CREATED_AT, createdAt.getTime(), at);
  return legacy === undefined ? at : writeLegacy(legacy, at);
}

function writeLegacy({ number, filled }: NonNullable<Order['legacy']>, from: number): number {
  const start = from + LEGACY.copy(scratch, from);
  let at = writeInt64(NUMBER, number, start + 4);
  const list = at + FILLED.copy(scratch, at);
  at = list + 4;
  for (const [index, name] of filled.entries()) at = writeText(Buffer.from(`\x02${index}\0`, 'latin1'), name, at);
  scratch[at] = 0;
  at += 1;
  scratch.writeInt32LE(at - list, list);
  scratch[at] = 0;
  at += 1;
  scratch.writeInt32LE(at - start, start);
  return at;
}

function writeText(head: Buffer, value: string, from: number): number {
  const start = from + head.copy(scratch, from);
  const end = start + 4 + scratch.write(value, start + 4, 'utf8');
  scratch.writeInt32LE(end + 1 - start - 4, start);
  scratch[end] = 0;
  return end + 1;
}

function writeInt64(head: Buffer, value: number, from: number): number {
  const at = from + head.copy(scratch, from);
  view.setInt32(at, value | 0, true);
  view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
  return at + 8;
}
