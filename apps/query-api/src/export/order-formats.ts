import { BSON } from 'mongodb';
import { int64At, uuidAt } from '#orders/order/order-content.js';
import { fromDocument, type OrderDocument } from '#orders/order/order-document.js';
import { orderResponse, type OrderResponse } from '#orders/order/order-response.js';
import { ORDER_FIELDS } from '#orders/order/order.js';
import type { EncodedOrder } from '../orders/saved-orders.js';

/** BSON element types. */
const [STRING, BINARY, DATE, INT32, INT64, DECIMAL128] = [0x02, 0x05, 0x09, 0x10, 0x12, 0x13];

/** The fields of an order as the consumer writes it, without `ingest`. No two fields have the same type and the same name length. */
const FIELDS: readonly (readonly [type: number, name: string])[] = [
  [BINARY, '_id'],
  [INT64, 'number'],
  [STRING, 'accountId'],
  [STRING, 'side'],
  [STRING, 'symbol'],
  [INT32, 'quantity'],
  [DECIMAL128, 'price'],
  [DECIMAL128, 'amount'],
  [STRING, 'currency'],
  [DATE, 'createdAt'],
];

/**
 * Creates the API response for an order directly from its BSON bytes.
 *
 * It takes half the time of the driver's decoding, which creates an object per value that the garbage collector copies. An order of
 * another form, such as one with `legacy`, is decoded by the driver.
 */
export function decodeResponse(bytes: EncodedOrder): OrderResponse {
  const offsets = offsetsOf(bytes);
  return (
    (offsets && readFields(bytes, offsets)) ?? orderResponse(fromDocument(BSON.deserialize(bytes) as OrderDocument))
  );
}

/** Returns the offsets of the values of FIELDS; `undefined` for a document of another form. */
function offsetsOf(bytes: EncodedOrder): number[] | undefined {
  const offsets: number[] = [];
  for (const [type, , nameLength, offset] of BSON.onDemand.parseToElements(bytes)) {
    const field = FIELDS[offsets.length];
    if (field === undefined || type !== field[0] || nameLength !== field[1].length) return undefined;
    offsets.push(offset);
  }
  return offsets.length === FIELDS.length ? offsets : undefined;
}

function readFields(bytes: EncodedOrder, offsets: readonly number[]): OrderResponse | undefined {
  const [id = 0, number = 0, accountId = 0, side = 0, symbol = 0, quantity = 0, priceAt = 0, amountAt = 0] = offsets;
  const [currency = 0, createdAt = 0] = offsets.slice(8);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const price = moneyAt(buffer, priceAt);
  const amount = moneyAt(buffer, amountAt);
  if (price === undefined || amount === undefined) return undefined;
  return {
    // Behind the length and the subtype.
    id: uuidAt(buffer, id + 5),
    number: int64At(buffer, number),
    accountId: stringAt(buffer, accountId),
    side: stringAt(buffer, side) === 'buy' ? 'buy' : 'sell',
    symbol: stringAt(buffer, symbol),
    quantity: buffer.readInt32LE(quantity),
    currency: stringAt(buffer, currency),
    price,
    amount,
    createdAt: new Date(int64At(buffer, createdAt)).toISOString(),
  };
}

/** Reads a string, which follows its 4-byte length. The length includes the terminating zero. */
function stringAt(buffer: Buffer, offset: number): string {
  return buffer.toString('utf8', offset + 4, offset + 3 + buffer.readInt32LE(offset));
}

/** The upper 32 bits of a decimal128 with four decimal places whose digits fit into the lower 64 bits: only the exponent. */
const FOUR_DECIMALS = (6_176 - 4) * 2 ** 17;
const UNITS_PER_ONE = 10_000;

/** Reads an amount of money; `undefined` if it is not a safe integer of units, or has another form. */
function moneyAt(buffer: Buffer, offset: number): string | undefined {
  if (buffer.readUInt32LE(offset + 12) !== FOUR_DECIMALS || buffer.readUInt32LE(offset + 8) !== 0) return undefined;
  const units = buffer.readUInt32LE(offset + 4) * 2 ** 32 + buffer.readUInt32LE(offset);
  if (!Number.isSafeInteger(units)) return undefined;
  return `${Math.floor(units / UNITS_PER_ONE)}.${String(units % UNITS_PER_ONE).padStart(4, '0')}`;
}

/** Formats one order as a line of JSON. */
export function ndjsonLine(order: OrderResponse): string {
  return `${JSON.stringify(order)}\n`;
}

export const CSV_HEADER = `${[...ORDER_FIELDS, 'legacyNumber', 'legacyFilled'].join(',')}\r\n`;

/**
 * Formats one order as a CSV record (RFC 4180) that is safe to open in a spreadsheet: see `withoutFormula`. Only `accountId` and
 * `symbol` can hold such texts; numbers and amounts stay numbers.
 */
export function csvLine(order: OrderResponse): string {
  const legacy = [order.legacy?.number ?? '', order.legacy?.filled.join(' ') ?? ''];
  const safe = { ...order, accountId: withoutFormula(order.accountId), symbol: withoutFormula(order.symbol) };
  return `${[...ORDER_FIELDS.map((column) => safe[column]), ...legacy].map(csvField).join(',')}\r\n`;
}

/** Where a cell begins: in many countries a spreadsheet also splits at semicolons. The wide characters are those of East Asian texts. */
const FORMULA = /(?<=^|[;\t\r\n])(?=[=+\-@＝＋－＠\t\r'])/g;

/**
 * Puts an apostrophe before a text that a spreadsheet would run as a formula (OWASP, "CSV injection"), and before an apostrophe, so that
 * the exact text can be restored: remove one apostrophe at the begin and after each semicolon.
 */
function withoutFormula(text: string): string {
  return text.replaceAll(FORMULA, "'");
}

function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Formats orders as a file of the legacy system: a JSON array with one order per line. */
export function legacyChunk(orders: readonly OrderResponse[]): string {
  return `[\n${orders.map((order) => JSON.stringify(order)).join(',\n')}\n]\n`;
}
