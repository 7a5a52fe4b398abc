import { ORDER_FIELDS, type CONTENT_FIELDS, type LegacyOrder, type Order } from '#orders/order/order.js';
import type { Money } from '#orders/order/money.js';
import { NumberText } from '../json/strict-json.js';
import * as field from '../row/legacy-fields.js';
import { isExactAsFloat } from './to-legacy.js';
import type { LegacyTimeZone, LocalTimeFault } from './legacy-time-zone.js';
import { translate, type TranslationReason } from './translation-reason.js';

/** An order that a client of the legacy system posts: what is missing, the legacy system or the facade assigns. */
export interface LegacyRequest extends Pick<Order, Content> {
  readonly id?: string;
  /** The legacy number. */
  readonly number?: number;
  readonly createdAt?: Date;
}

type Content = Exclude<(typeof CONTENT_FIELDS)[number], 'createdAt'>;

const KNOWN: ReadonlySet<string> = new Set(ORDER_FIELDS);

const TIME_RULES: Record<LocalTimeFault, string> = {
  'not-a-local-time': 'must be a local date and time with milliseconds and without a zone: 2026-01-31T12:00:00.000',
  'ambiguous-time':
    'is two instants in LEGACY_TIME_ZONE, because clocks are set back: give the order with a zone instead',
  'nonexistent-time': 'does not exist in LEGACY_TIME_ZONE, because clocks are set forward',
};

/**
 * Translates an order that the legacy system has stored. Whatever is accepted, `toLegacy` translates back to the same record.
 * @param value a parsed JSON value whose numbers are `NumberText`, such as an element of a page
 */
export function fromLegacy(
  value: unknown,
  zone: LegacyTimeZone,
): { readonly order: LegacyOrder } | { readonly reason: TranslationReason } {
  return translate(
    () => value,
    () => {
      const row = asRow(value);
      for (const name of ORDER_FIELDS) required(row, name, row[name]);
      const order = {
        id: lowerCaseUuid(row),
        ...content(row, required(row, 'amount', money(row, 'amount'))),
        createdAt: instant(row['createdAt'], zone),
        legacy: { number: legacyNumber(row), filled: [] },
      };
      return { order };
    },
  );
}

/**
 * Translates the body of `POST /orders`. `id`, `number`, `createdAt` and `amount` may be left out, and `createdAt` may end in
 * seconds: the legacy system stores it with milliseconds.
 * @param value a parsed JSON value whose numbers are `NumberText`
 */
export function fromLegacyRequest(
  value: unknown,
  zone: LegacyTimeZone,
): { readonly request: LegacyRequest } | { readonly reason: TranslationReason } {
  return translate(
    () => value,
    () => {
      const row = asRow(value);
      const { createdAt } = row;
      const request = {
        ...(row['id'] !== undefined && { id: lowerCaseUuid(row) }),
        ...(row['number'] !== undefined && { number: legacyNumber(row) }),
        ...content(row, money(row, 'amount')),
        ...(createdAt !== undefined && { createdAt: instant(withMilliseconds(createdAt), zone) }),
      };
      return { request };
    },
  );
}

/** Returns the order of a request, with what the facade assigns where the client has given nothing. */
export function completeRequest(
  { number, ...request }: LegacyRequest,
  assigned: { readonly id: string; readonly number: number; readonly createdAt: Date },
): LegacyOrder {
  const { id, createdAt } = assigned;
  return { id, createdAt, ...request, legacy: { number: number ?? assigned.number, filled: [] } };
}

function asRow(value: unknown): field.Row {
  if (!field.isObject(value)) throw new field.FieldRefusal('not-an-object', undefined, 'must be a JSON object');
  field.rejectUnknown(value, KNOWN);
  return value;
}

/** @param givenAmount the order's own `amount`; `undefined` if it is left out, and then computed */
function content(row: field.Row, givenAmount: Money | undefined): Pick<Order, Content> {
  const quantity = required(row, 'quantity', field.quantity(row));
  const price = required(row, 'price', money(row, 'price'));
  const amount = BigInt(quantity) * price;
  if (givenAmount !== undefined && givenAmount !== amount)
    throw new field.FieldRefusal('amount-mismatch', 'amount', 'must be exactly quantity x price');
  return {
    accountId: required(row, 'accountId', field.plainText(row, 'accountId', 64)),
    side: required(row, 'side', field.side(row)),
    symbol: required(row, 'symbol', field.plainText(row, 'symbol', 32)),
    quantity,
    price,
    amount,
    currency: required(row, 'currency', field.currency(row)),
  };
}

function required<T>(row: field.Row, name: string, value: T | undefined): T {
  if (row[name] !== undefined && value !== undefined) return value;
  throw new field.FieldRefusal('missing-field', name, 'is required');
}

function money(row: field.Row, name: 'price' | 'amount'): Money | undefined {
  const value = row[name];
  if (value === undefined) return undefined;
  // The legacy system has floats. A text would come back as a number.
  if (!(value instanceof NumberText)) throw new field.FieldRefusal('wrong-type', name, 'must be a JSON number');
  const read = name === 'price' ? field.price(row) : field.amount(row);
  if (read === undefined || isExactAsFloat(read)) return read;
  throw new field.FieldRefusal('not-exact-as-float', name, 'must be a decimal that a float holds exactly');
}

/** The target has lower case only: in upper case, the id would come back changed. */
function lowerCaseUuid(row: field.Row): string {
  const id = field.uuid(row, 'id');
  if (id === row['id']) return id;
  throw new field.FieldRefusal('not-a-uuid', 'id', 'must be a UUID in lower case');
}

function legacyNumber(row: field.Row): number {
  const number = field.legacyNumber('number', row['number']);
  if (number >= 1) return number;
  throw new field.FieldRefusal('out-of-range', 'number', 'must be from 1 to 2^53 - 1');
}

function instant(value: unknown, zone: LegacyTimeZone): Date {
  const found = typeof value === 'string' ? zone.toInstant(value) : 'not-a-local-time';
  if (!(found instanceof Date)) throw new field.FieldRefusal(found, 'createdAt', TIME_RULES[found]);
  return field.knownYear(found);
}

function withMilliseconds(value: unknown): unknown {
  return typeof value === 'string' && /T\d{2}:\d{2}:\d{2}$/.test(value) ? `${value}.000` : value;
}
