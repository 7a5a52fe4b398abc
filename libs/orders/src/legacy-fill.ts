import { INSTRUMENTS, type Instrument } from './instruments.js';
import { FILLABLE, type Fillable } from './legacy-fields.js';
import { murmur3 } from './murmur3.js';
import { MAX_QUANTITY, type Order } from './order.js';

/** The fields of a row that may be left out: `undefined` is left out. */
export type GivenFields = { readonly [name in Fillable]: Order[name] | undefined };

// One independent draw for each field, as in the generator.
const ACCOUNT = 1;
const INSTRUMENT = 2;
const SIDE = 3;
const QUANTITY = 4;
const PRICE = 5;

const TWO_32 = 2 ** 32;
/** A date that nobody takes for a real one. */
const UNKNOWN_DATE = 0;

/**
 * Fills what was left out, from the order's id alone: never from an operation or the clock, or the same row would be
 * another order the next time. What is filled is recognisable (accounts `legacy-….`, the date 1970-01-01) and invented:
 * amounts filled here are no financial data.
 * @param given with `derived`, the fields among them that follow from others: they count as filled
 */
export function filledFields(
  id: string,
  { derived, ...given }: GivenFields & { readonly derived: readonly Fillable[] },
): { readonly order: Pick<Order, Fillable>; readonly filled: ReadonlySet<Fillable> } {
  const draw = drawsOf(id);
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

/** Evenly drawn whole numbers, 0 up to but not including `below`, each from the UUID's 128 bits and the field. */
function drawsOf(id: string): Draw {
  const hex = id.replaceAll('-', '');
  const word = (at: number): number => Number.parseInt(hex.slice(at, at + 8), 16) | 0;
  const words = [word(0), word(8), word(16), word(24)] as const;
  return (field, below) => Math.floor((murmur3(field, ...words) / TWO_32) * below);
}

/** The one that is traded, so that what is filled goes with it; for a symbol that isn't known here any. */
function instrumentOf(symbol: string | undefined, draw: Draw): Instrument {
  const known = INSTRUMENTS.find((instrument) => instrument.symbol === symbol);
  return known ?? (INSTRUMENTS[draw(INSTRUMENT, INSTRUMENTS.length)] as Instrument);
}

function drawnPrice({ basePrice }: Instrument, draw: Draw): bigint {
  const base = Number(basePrice);
  return BigInt(base - Math.floor(base / 10) + draw(PRICE, Math.floor(base / 5)));
}
