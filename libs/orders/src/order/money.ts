import { Decimal128 } from 'mongodb';

/**
 * An amount of money as an integer of ten-thousandths: `12.3400` is `123400n`.
 * A bigint of fixed scale keeps every sum and product exact, which a float does not (0.1 + 0.2). It costs nanoseconds per
 * order, a decimal library microseconds.
 */
export type Money = bigint;

const SCALE = 4;
const UNITS_PER_ONE = 10_000n;
/** `price` is decimal(18,4). */
export const MAX_PRICE: Money = 10n ** 18n - 1n;
/** `amount` is decimal(22,4). */
export const MAX_AMOUNT: Money = 10n ** 22n - 1n;

/** Formats money as the plain string of fixed scale that the JSON contains, such as `"12.3400"`. */
export function formatMoney(money: Money): string {
  const sign = money < 0n ? '-' : '';
  const units = money < 0n ? -money : money;
  const fraction = (units % UNITS_PER_ONE).toString().padStart(SCALE, '0');
  return `${sign}${units / UNITS_PER_ONE}.${fraction}`;
}

/**
 * Parses a plain decimal string with up to four decimals.
 * @throws RangeError for anything else: exponents, signs other than `-`, five decimals, `"12,50"`.
 */
export function parseMoney(text: string): Money {
  const match = /^(-?)(\d{1,19})(?:\.(\d{1,4}))?$/.exec(text);
  if (!match) throw new RangeError(`"${text.slice(0, 40)}" is not a plain decimal with at most ${SCALE} decimals`);
  const [, sign = '', whole = '0', fraction = ''] = match;
  const units = BigInt(whole) * UNITS_PER_ONE + BigInt(fraction.padEnd(SCALE, '0'));
  return sign === '-' ? -units : units;
}

// IEEE 754 decimal128 in its binary-integer form: sign bit, biased exponent (6176 + exponent), 113-bit coefficient.
const DECIMAL128_EXPONENT = BigInt(6176 - SCALE) << 49n;
const LOW_64 = (1n << 64n) - 1n;

const scratch = new DataView(new ArrayBuffer(16));
const scratchBytes = new Uint8Array(scratch.buffer);

/**
 * Converts money to BSON by building the bits: `Decimal128.fromString` parses text and is about ten times slower. The bytes
 * come from Node's buffer pool: a separate allocation of 16 bytes would cost more than the rest of the conversion.
 */
export function moneyToDecimal128(money: Money): Decimal128 {
  writeDecimal128(money, scratch, 0);
  return new Decimal128(Buffer.from(scratchBytes));
}

/** Writes the 16 bytes of money's BSON decimal. */
export function writeDecimal128(money: Money, view: DataView, at: number): void {
  const coefficient = money < 0n ? -money : money;
  view.setBigUint64(at, coefficient & LOW_64, true);
  view.setBigUint64(at + 8, (money < 0n ? 1n << 63n : 0n) | DECIMAL128_EXPONENT | (coefficient >> 64n), true);
}

const COEFFICIENT_HIGH = (1n << 49n) - 1n;
/** Sign and exponent bits of a non-negative number with four decimals, the form of all money that this pipeline stores. */
const FOUR_DECIMALS = 6176 - SCALE;

/**
 * Converts a BSON decimal to money.
 * @throws RangeError if the stored number has more than four decimals or isn't finite
 */
export function moneyFromDecimal128(value: Decimal128): Money {
  const { bytes } = value;
  const high = (bytes[15] ?? 0) * 2 ** 24 + (bytes[14] ?? 0) * 2 ** 16 + (bytes[13] ?? 0) * 2 ** 8 + (bytes[12] ?? 0);
  // Other scales, negative numbers and NaN take the slow path, over the driver's text.
  if (Math.floor(high / 2 ** 17) !== FOUR_DECIMALS) return parseMoney(value.toString());
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return ((view.getBigUint64(8, true) & COEFFICIENT_HIGH) << 64n) | view.getBigUint64(0, true);
}
