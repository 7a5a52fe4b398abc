import { validate as isUuid } from 'uuid';
import * as rules from '#orders/order/order-fields.js';
import { MAX_AMOUNT, MAX_PRICE, parseMoney, type Money } from '#orders/order/money.js';
import { CONTENT_FIELDS, MAX_QUANTITY, SIDES, type Side } from '#orders/order/order.js';
import { NumberText } from '../json/strict-json.js';

/** The reasons for which a row or an order is rejected. */
export type LegacyCode =
  | 'not-an-object'
  | 'missing-field'
  | 'unknown-field'
  | 'wrong-type'
  | 'not-a-uuid'
  | 'not-an-integer'
  | 'unsafe-number'
  | 'out-of-range'
  | 'not-a-plain-decimal'
  | 'bad-text'
  | 'bad-value'
  | 'not-a-date'
  | 'not-a-local-time'
  | 'ambiguous-time'
  | 'nonexistent-time'
  | 'not-exact-as-float'
  | 'amount-mismatch'
  | 'filled-field';

/** Thrown when a field, or the row or order as a whole, is rejected. */
export class FieldRefusal extends Error {
  override readonly name = 'FieldRefusal';

  constructor(
    readonly code: LegacyCode,
    readonly field: string | undefined,
    readonly detail: string,
  ) {
    super(detail);
  }
}

/** Fields that may be left out, in the order in which `legacy.filled` names them. */
export const FILLABLE = CONTENT_FIELDS;
export type Fillable = (typeof FILLABLE)[number];

export type Row = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText);
}

export function rejectUnknown(row: Row, known: ReadonlySet<string>, prefix = ''): void {
  const unknown = Object.keys(row).find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new FieldRefusal('unknown-field', `${prefix}${unknown.slice(0, 64)}`, 'is unknown: its value would be lost');
}

export function uuid(row: Row, name: string): string {
  const value = given(row, name) ?? missing(name);
  if (typeof value === 'string' && isUuid(value)) return value.toLowerCase();
  throw new FieldRefusal('not-a-uuid', name, rules.UUID_RULE);
}

/** Reads a number from 0 to 2^53 - 1. */
export function legacyNumber(path: string, value: unknown): number {
  if (value === undefined) return missing(path);
  const number = integer(value, path);
  if (number < 0n) throw new FieldRefusal('out-of-range', path, 'must not be below 0');
  if (number <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(number);
  throw new FieldRefusal('unsafe-number', path, 'must not be above 2^53 - 1: JSON parsers would round it');
}

export function quantity(row: Row): number | undefined {
  const value = given(row, 'quantity');
  if (value === undefined) return undefined;
  const number = integer(value, 'quantity');
  if (number >= 1n && number <= BigInt(MAX_QUANTITY)) return Number(number);
  throw new FieldRefusal('out-of-range', 'quantity', `must be from 1 to ${MAX_QUANTITY}`);
}

export function price(row: Row): Money | undefined {
  const money = decimal(row, 'price');
  return money === undefined ? undefined : withinPrice(money);
}

/** @throws FieldRefusal when the price does not fit decimal(18,4) */
export function withinPrice(money: Money): Money {
  if (money <= MAX_PRICE) return money;
  throw new FieldRefusal('out-of-range', 'price', rules.PRICE_RANGE_RULE);
}

export function amount(row: Row): Money | undefined {
  const money = decimal(row, 'amount');
  if (money === undefined || money <= MAX_AMOUNT) return money;
  throw new FieldRefusal('out-of-range', 'amount', 'must have at most 18 digits before the point');
}

export function side(row: Row): Side | undefined {
  const value = given(row, 'side');
  const known = SIDES.find((each) => each === value);
  if (value === undefined || known !== undefined) return known;
  throw new FieldRefusal('bad-value', 'side', `must be ${SIDES.map((each) => `"${each}"`).join(' or ')}`);
}

export function currency(row: Row): string | undefined {
  const value = given(row, 'currency');
  if (value === undefined || (typeof value === 'string' && rules.isCurrencyCode(value))) return value;
  throw new FieldRefusal('bad-value', 'currency', rules.CURRENCY_RULE);
}

/** Reads text that every client returns unchanged: well-formed and without control characters. */
export function plainText(row: Row, name: Fillable, longest: number): string | undefined {
  const value = given(row, name);
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new FieldRefusal('wrong-type', name, 'must be a string');
  if (rules.isPlainText(value, longest)) return value;
  throw new FieldRefusal('bad-text', name, rules.textRule(longest));
}

export function dateTime(row: Row): Date | undefined {
  const value = given(row, 'createdAt');
  if (value === undefined) return undefined;
  const instant = typeof value === 'string' ? rules.parseExactTime(value) : undefined;
  if (instant !== undefined) return instant;
  throw new FieldRefusal('not-a-date', 'createdAt', rules.TIME_RULE);
}

/** @throws FieldRefusal when the instant is not from 1970 to 9999 */
export function knownYear(createdAt: Date): Date {
  if (rules.isKnownYear(createdAt)) return createdAt;
  throw new FieldRefusal('not-a-date', 'createdAt', 'must be from 1970 to 9999, in UTC');
}

/** Reads `legacy.filled`, the field names that an earlier import has filled. */
export function filledNames(value: unknown): ReadonlySet<string> {
  const known: ReadonlySet<unknown> = new Set(FILLABLE);
  if (Array.isArray(value) && value.every((name) => known.has(name))) return new Set(value as string[]);
  throw new FieldRefusal('bad-value', 'legacy.filled', `must be an array of ${FILLABLE.join(', ')}`);
}

/** Returns the value of a field; `undefined` if it is left out. */
function given(row: Row, name: string): unknown {
  const value = row[name];
  if (value === null) throw new FieldRefusal('wrong-type', name, 'must not be null: leave an unknown field out');
  return value;
}

function missing(name: string): never {
  throw new FieldRefusal('missing-field', name, 'is required');
}

/** Parses an integer from the number's text. 1.0, 1e3 and anything that a float would round are rejected. */
function integer(value: unknown, name: string): bigint {
  if (value instanceof NumberText && /^-?\d{1,40}$/.test(value.text)) return BigInt(value.text);
  if (value instanceof NumberText && /^-?\d+$/.test(value.text))
    throw new FieldRefusal('unsafe-number', name, 'has more than 40 digits');
  throw new FieldRefusal('not-an-integer', name, 'must be a JSON number without a point and without an exponent');
}

/** Parses a decimal above zero from the digits of a number or a string. */
function decimal(row: Row, name: 'price' | 'amount'): Money | undefined {
  const value = given(row, name);
  if (value === undefined) return undefined;
  const digits = value instanceof NumberText ? value.text : value;
  if (typeof digits !== 'string' || !/^-?\d{1,19}(\.\d{1,4})?$/.test(digits))
    throw new FieldRefusal(
      'not-a-plain-decimal',
      name,
      'must be a decimal such as "12.50": a point, at most 4 decimals, no exponent',
    );
  const money = parseMoney(digits);
  if (money > 0n) return money;
  throw new FieldRefusal('out-of-range', name, 'must be above zero');
}
