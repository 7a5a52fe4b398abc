import { INSTRUMENTS, type Instrument } from '#orders/generator/generator.js';
import { FILLABLE, type Fillable } from './legacy-fields.js';
import { murmur3 } from '#orders/generator/seeded-random.js';
import { MAX_QUANTITY, type Order } from '#orders/order/order.js';

/** The optional fields of a row; `undefined` means left out. */
export type GivenFields = { readonly [name in Fillable]: Order[name] | undefined };

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
export function filledFields(
  id: string,
  { derived, ...given }: GivenFields & { readonly derived: readonly Fillable[] },
): { readonly order: Pick<Order, Fillable>; readonly filled: ReadonlySet<Fillable> } {
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
  return { order, filled: new Set([...derived, ...FILLABLE.filter((name) => given[name] === undefined)]) };
}

type Draw = (field: number, below: number) => number;

/** Draws uniform integers from 0 to `below` - 1, each from the UUID's 128 bits and the field. */
function createDraws(id: string): Draw {
  const hex = id.replaceAll('-', '');
  const word = (at: number): number => Number.parseInt(hex.slice(at, at + 8), 16) | 0;
  const words = [word(0), word(8), word(16), word(24)] as const;
  return (field, below) => Math.floor((murmur3(field, ...words) / TWO_32) * below);
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
