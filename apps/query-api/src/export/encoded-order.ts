import { BSON } from 'mongodb';
import { fromDocument, type OrderDocument } from '#orders/order-document.js';
import { orderResponse, type OrderResponse } from '#orders/order-response.js';
import type { EncodedOrder } from '../orders/saved-orders.js';

/** BSON's numbers of types. */
const [STRING, BINARY, DATE, INT32, INT64, DECIMAL128] = [0x02, 0x05, 0x09, 0x10, 0x12, 0x13];

/** An order as the consumer writes it, without `ingest`. No two of its fields have both the type and the length of the name in common. */
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
 * What the API tells of an order, straight from the bytes of its document: without an object for each value, which the driver makes and
 * the collector copies, it takes half the time. An order of another form, such as one with `legacy`, takes the long way.
 */
export function decodeResponse(bytes: EncodedOrder): OrderResponse {
  const offsets = offsetsOf(bytes);
  return (
    (offsets && readFields(bytes, offsets)) ?? orderResponse(fromDocument(BSON.deserialize(bytes) as OrderDocument))
  );
}

/** Where the values of FIELDS begin; `undefined` for another form. */
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
    id: uuidAt(buffer, id),
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

/** Behind its length and its subtype. */
function uuidAt(buffer: Buffer, offset: number): string {
  const hex = buffer.toString('hex', offset + 5, offset + 21);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Behind its length, which counts the zero at its end. */
function stringAt(buffer: Buffer, offset: number): string {
  return buffer.toString('utf8', offset + 4, offset + 3 + buffer.readInt32LE(offset));
}

const HALF = 2 ** 32;

/** All that an order has are safe integers. */
function int64At(buffer: Buffer, offset: number): number {
  return buffer.readInt32LE(offset + 4) * HALF + buffer.readUInt32LE(offset);
}

/** The upper 32 bits of a number of four decimals that fits into the lower 64: its exponent alone. */
const FOUR_DECIMALS = (6_176 - 4) * 2 ** 17;
const UNITS_PER_ONE = 10_000;

/** `undefined`: more than a float holds exactly, or of another form. */
function moneyAt(buffer: Buffer, offset: number): string | undefined {
  if (buffer.readUInt32LE(offset + 12) !== FOUR_DECIMALS || buffer.readUInt32LE(offset + 8) !== 0) return undefined;
  const units = buffer.readUInt32LE(offset + 4) * HALF + buffer.readUInt32LE(offset);
  if (!Number.isSafeInteger(units)) return undefined;
  return `${Math.floor(units / UNITS_PER_ONE)}.${String(units % UNITS_PER_ONE).padStart(4, '0')}`;
}
