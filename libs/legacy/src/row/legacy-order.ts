import { INSTRUMENTS, type Instrument } from '#orders/generator/generator.js';
import { murmur3 } from '#orders/generator/seeded-random.js';
import { MAX_QUANTITY, type Order, ORDER_FIELDS, type LegacyOrder } from '#orders/order/order.js';
import * as field from './legacy-fields.js';

/** The optional fields of a row; `undefined` means left out. */
type GivenFields = { readonly [name in field.Fillable]: Order[name] | undefined };

// One independent draw for each field, as in the generator.
const ACCOUNT = 1;
const INSTRUMENT = 2;
const SIDE = 3;
const QUANTITY = 4;
const PRICE = 5;

const TWO_32 = 2 ** 32;
/** 1970-01-01, which is easy to recognise as not real. */
const UNKNOWN_DATE = 0;

/**
 * Fills the fields that were left out. The values depend only on the order's id, never on the operation or the clock, so that
 * the same row always gives the same order. They are recognisable (accounts `legacy-…`, the date 1970-01-01) and invented:
 * amounts filled here are no financial data.
 * @param given the fields of the row; `derived` names those that were computed from others, which count as filled
 */
function filledFields(
  id: string,
  { derived, ...given }: GivenFields & { readonly derived: readonly field.Fillable[] },
): { readonly order: Pick<Order, field.Fillable>; readonly filled: ReadonlySet<field.Fillable> } {
  const draw = createDraws(id);
  const instrument = instrumentOf(given.symbol, draw);
  const quantity = given.quantity ?? 1 + draw(QUANTITY, MAX_QUANTITY);
  const price = given.price ?? drawnPrice(instrument, draw);
  const order = {
    accountId:
      given.accountId ??
      `legacy-${draw(ACCOUNT, 2 ** 16)
        .toString(16)
        .padStart(4, '0')}`,
    side: given.side ?? (draw(SIDE, 2) === 0 ? 'buy' : 'sell'),
    symbol: given.symbol ?? instrument.symbol,
    quantity,
    price,
    amount: BigInt(quantity) * price,
    currency: given.currency ?? instrument.currency,
    createdAt: given.createdAt ?? new Date(UNKNOWN_DATE),
  };
  return { order, filled: new Set([...derived, ...field.FILLABLE.filter((name) => given[name] === undefined)]) };
}

type Draw = (drawn: number, below: number) => number;

/** Draws uniform integers from 0 to `below` - 1, each from the UUID's 128 bits and what is drawn. */
function createDraws(id: string): Draw {
  const hex = id.replaceAll('-', '');
  const word = (at: number): number => Number.parseInt(hex.slice(at, at + 8), 16) | 0;
  const words = [word(0), word(8), word(16), word(24)] as const;
  return (drawn, below) => Math.floor((murmur3(drawn, ...words) / TWO_32) * below);
}

/** Finds the symbol's instrument, so that filled fields match it; draws any instrument for an unknown symbol. */
function instrumentOf(symbol: string | undefined, draw: Draw): Instrument {
  const known = INSTRUMENTS.find((instrument) => instrument.symbol === symbol);
  return known ?? (INSTRUMENTS[draw(INSTRUMENT, INSTRUMENTS.length)] as Instrument);
}

function drawnPrice({ basePrice }: Instrument, draw: Draw): bigint {
  const base = Number(basePrice);
  return BigInt(base - Math.floor(base / 10) + draw(PRICE, Math.floor(base / 5)));
}

/** Why a row is rejected: `code` is stable, `detail` says what is allowed. */
export interface LegacyReason {
  readonly code: field.LegacyCode;
  /** The invalid field; absent if the row as a whole is invalid. */
  readonly field?: string;
  readonly detail: string;
}

const KNOWN: ReadonlySet<string> = new Set([...ORDER_FIELDS, 'legacy']);
const KNOWN_OF_LEGACY: ReadonlySet<string> = new Set(['number', 'filled']);

/**
 * Reads a row of a legacy file: a pair `{id, number}`, a full order, or anything in between.
 *
 * `id` stays the order's id, and `number` becomes `legacy.number`. Fields that are left out are filled from the id alone and
 * named in `legacy.filled`: the same row gives the same order on every machine, whenever it is imported. `amount` is
 * quantity x price; each of the three can be computed from the other two. A row that this pipeline exported keeps its
 * `legacy`. No data is dropped silently: a row with an unknown field is rejected.
 *
 * @param row a parsed JSON value whose numbers are `NumberText`
 */
export function legacyOrder(row: unknown): { readonly order: LegacyOrder } | { readonly reason: LegacyReason } {
  try {
    return { order: read(row) };
  } catch (error) {
    if (!(error instanceof field.FieldRefusal)) throw error;
    const { code, detail } = error;
    return { reason: { code, ...(error.field !== undefined && { field: error.field }), detail } };
  }
}

function read(row: unknown): LegacyOrder {
  if (!field.isObject(row))
    throw new field.FieldRefusal('not-an-object', undefined, 'must be a JSON object such as {"id": "…", "number": 1}');
  field.rejectUnknown(row, KNOWN);
  const id = field.uuid(row, 'id');
  const number = field.legacyNumber('number', row['number']);
  const legacy = legacyOf(row);
  const { order, filled } = filledFields(id, withDerived(givenFields(row)));
  return {
    id,
    ...order,
    legacy: {
      number: legacy?.number ?? number,
      // Always in the order of FILLABLE, because the comparison of two orders depends on it.
      filled: field.FILLABLE.filter((name) => filled.has(name) || legacy?.filled.has(name)),
    },
  };
}

function legacyOf(row: field.Row): { readonly number: number; readonly filled: ReadonlySet<string> } | undefined {
  const legacy = row['legacy'];
  if (legacy === undefined) return undefined;
  if (!field.isObject(legacy)) throw new field.FieldRefusal('wrong-type', 'legacy', 'must be an object, or left out');
  field.rejectUnknown(legacy, KNOWN_OF_LEGACY, 'legacy.');
  const number = field.legacyNumber('legacy.number', legacy['number']);
  return { number, filled: field.filledNames(legacy['filled']) };
}

function givenFields(row: field.Row): GivenFields {
  return {
    accountId: field.plainText(row, 'accountId', 64),
    side: field.side(row),
    symbol: field.plainText(row, 'symbol', 32),
    quantity: field.quantity(row),
    price: field.price(row),
    amount: field.amount(row),
    currency: field.currency(row),
    createdAt: field.dateTime(row),
  };
}

/**
 * Computes the missing ones of quantity, price and amount.
 * @throws FieldRefusal when the three are inconsistent
 */
function withDerived(given: GivenFields): GivenFields & { readonly derived: readonly field.Fillable[] } {
  const { quantity, price, amount } = given;
  if (amount === undefined) return { ...given, derived: [] };
  if (quantity !== undefined && price !== undefined) {
    if (BigInt(quantity) * price !== amount)
      throw new field.FieldRefusal('amount-mismatch', 'amount', 'must be exactly quantity x price');
    return { ...given, derived: [] };
  }
  if (price !== undefined) return { ...given, quantity: wholeQuotient(amount, price), derived: ['quantity'] };
  if (quantity !== undefined) return { ...given, price: exactPrice(amount, quantity), derived: ['price'] };
  return { ...given, quantity: 1, price: field.withinPrice(amount), derived: ['quantity', 'price'] };
}

function wholeQuotient(amount: bigint, price: bigint): number {
  const quantity = amount / price;
  if (quantity * price === amount && quantity >= 1n && quantity <= BigInt(MAX_QUANTITY)) return Number(quantity);
  const detail = `amount / price must be a whole number from 1 to ${MAX_QUANTITY}, or quantity must be given`;
  throw new field.FieldRefusal('amount-mismatch', 'quantity', detail);
}

function exactPrice(amount: bigint, quantity: number): bigint {
  const price = amount / BigInt(quantity);
  if (price * BigInt(quantity) === amount) return field.withinPrice(price);
  const detail = 'amount / quantity must have at most 4 decimals, or price must be given';
  throw new field.FieldRefusal('amount-mismatch', 'price', detail);
}
