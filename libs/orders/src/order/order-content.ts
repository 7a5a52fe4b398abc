import { hash } from 'node:crypto';
import { writeDecimal128 } from './money.js';
import type { Order, Side } from './order.js';

/** The bytes of an order's content in BSON begin after the length of the document. */
export const CONTENT_AT = 4;
/** Bytes of a content hash. */
export const HASH_BYTES = 16;

const LAST_ASCII = 0x7f;
const DASH = 0x2d;

/** Larger than any content: texts have at most 64 characters, and an import fills at most eight fields. */
const scratch = Buffer.alloc(4_096);
const view = new DataView(scratch.buffer, scratch.byteOffset, scratch.length);

/*
 * Everything that is the same in all orders is written in few pieces, since each call of a native copy costs as much as a field. The first
 * piece has a fixed place, and stays in the scratch buffer.
 */
const FIRST = Buffer.from(
  `\x05_id\0\x10\0\0\0\x04${'\0'.repeat(16)}\x12number\0${'\0'.repeat(8)}\x02accountId\0`,
  'latin1',
);
const ID_AT = 10;
const NUMBER_AT = ID_AT + 16 + 8;
scratch.set(FIRST, 0);
const SIDES = { buy: sidePiece('buy'), sell: sidePiece('sell') } as const satisfies Record<Side, Buffer>;
const QUANTITY_HEAD = '\x10quantity\0';
const PRICE_HEAD = '\x13price\0';
const AMOUNT_HEAD = '\x13amount\0';
const NUMBERS = Buffer.from(
  `${QUANTITY_HEAD}\0\0\0\0${PRICE_HEAD}${'\0'.repeat(16)}${AMOUNT_HEAD}${'\0'.repeat(16)}\x02currency\0`,
  'latin1',
);
const PRICE_AT = QUANTITY_HEAD.length + 4 + PRICE_HEAD.length;
const AMOUNT_AT = PRICE_AT + 16 + AMOUNT_HEAD.length;
const CREATED_AT = Buffer.from('\x09createdAt\0', 'latin1');
const NUMBER = Buffer.from('\x12number\0', 'latin1');
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
function writeContent(order: Order): number {
  writeUuid(order.id, ID_AT);
  writeInt64(order.number, NUMBER_AT);
  let at = writeText(order.accountId, FIRST.length);
  at = writePiece(SIDES[order.side], at);
  at = writeText(order.symbol, at);
  scratch.set(NUMBERS, at);
  view.setInt32(at + QUANTITY_HEAD.length, order.quantity, true);
  writeDecimal128(order.price, view, at + PRICE_AT);
  writeDecimal128(order.amount, view, at + AMOUNT_AT);
  at = writeText(order.currency, at + NUMBERS.length);
  at = writeInt64(order.createdAt.getTime(), writePiece(CREATED_AT, at));
  return order.legacy === undefined ? at : writeLegacy(order.legacy, at);
}

function writeLegacy({ number, filled }: NonNullable<Order['legacy']>, from: number): number {
  const start = from + LEGACY.copy(scratch, from);
  let at = writeInt64(number, writePiece(NUMBER, start + 4));
  const list = at + FILLED.copy(scratch, at);
  at = list + 4;
  for (const [index, name] of filled.entries())
    at = writeText(name, writePiece(Buffer.from(`\x02${index}\0`, 'latin1'), at));
  scratch[at] = 0;
  at += 1;
  scratch.writeInt32LE(at - list, list);
  scratch[at] = 0;
  at += 1;
  scratch.writeInt32LE(at - start, start);
  return at;
}

function sidePiece(side: Side): Buffer {
  return Buffer.from(`\x02side\0${String.fromCharCode(side.length + 1)}\0\0\0${side}\0\x02symbol\0`, 'latin1');
}

function writePiece(piece: Uint8Array, at: number): number {
  scratch.set(piece, at);
  return at + piece.length;
}

/** Writes the value of a text field. */
function writeText(value: string, at: number): number {
  const from = at + 4;
  let end = from;
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (code > LAST_ASCII) {
      end = from + scratch.write(value, from, 'utf8');
      break;
    }
    scratch[end] = code;
    end += 1;
  }
  view.setInt32(at, end + 1 - from, true);
  scratch[end] = 0;
  return end + 1;
}

function writeInt64(value: number, at: number): number {
  view.setInt32(at, value | 0, true);
  view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
  return at + 8;
}

/** Writes the bytes of a UUID. */
function writeUuid(text: string, at: number): void {
  let byte = at;
  for (let index = 0; index < text.length; index += 2) {
    if (text.charCodeAt(index) === DASH) index += 1;
    scratch[byte] = (nibble(text.charCodeAt(index)) << 4) | nibble(text.charCodeAt(index + 1));
    byte += 1;
  }
}

/** Reads the text of a UUID. */
export function uuidAt(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Reads an int64. All int64 fields of an order are safe integers. */
export function int64At(bytes: Buffer, at: number): number {
  return bytes.readInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
}

/** Returns the value of a hexadecimal digit in ASCII: letters of both cases have bit 6, and 1 to 6 in the low bits. */
function nibble(code: number): number {
  return (code & 0xf) + 9 * (code >> 6);
}
