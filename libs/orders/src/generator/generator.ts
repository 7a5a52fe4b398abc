import { MAX_QUANTITY, type Order, createOrderIds } from '../order/order.js';
import type { Money } from '../order/money.js';
import { createDraws } from './seeded-random.js';

/** The complete input of the generator. Two equal inputs give equal orders, byte for byte, on every machine. */
export interface PopulateInput {
  readonly operationId: string;
  /** 0 to 2^53 - 1: determines the accounts, symbols, sides, prices and quantities. */
  readonly seed: number;
  /** Number of orders in the operation. */
  readonly count: number;
  /** The number of the order with index 0. */
  readonly firstNumber: number;
  /** Number of accounts, drawn uniformly from `acc-0000000` to `acc-` (accounts - 1). */
  readonly accounts: number;
  /** `createdAt` of index 0. It rises evenly towards `to`. */
  readonly from: Date;
  /** Exclusive upper bound of `createdAt`. */
  readonly to: Date;
}

// One independent draw per field: the field's number is the seed of the hash.
const ACCOUNT = 1;
const INSTRUMENT = 2;
const SIDE = 3;
const QUANTITY = 4;
const PRICE = 5;

/**
 * Creates the generator of a populate: a pure function of (input, index) with random access. Another process can generate any
 * chunk again after a crash, and a verifier needs no list of the orders.
 * @returns a function of the index, 0 to count - 1; work that all orders of a populate share is done once, before it returns
 */
export function orderGenerator(input: PopulateInput): (index: number) => Order {
  const idOf = createOrderIds(input.operationId);
  const draw = createDraws(input.seed);
  const start = input.from.getTime();
  const span = input.to.getTime() - start;
  return (index) => {
    const instrument = INSTRUMENTS[draw(INSTRUMENT, index, INSTRUMENTS.length)] as Instrument;
    const quantity = 1 + draw(QUANTITY, index, MAX_QUANTITY);
    const base = Number(instrument.basePrice);
    const price = BigInt(base - Math.floor(base / 10) + draw(PRICE, index, Math.floor(base / 5)));
    return {
      id: idOf(index),
      number: input.firstNumber + index,
      accountId: `acc-${draw(ACCOUNT, index, input.accounts).toString().padStart(7, '0')}`,
      side: draw(SIDE, index, 2) === 0 ? 'buy' : 'sell',
      symbol: instrument.symbol,
      quantity,
      price,
      amount: BigInt(quantity) * price,
      currency: instrument.currency,
      createdAt: new Date(start + Math.floor((index / input.count) * span)),
    };
  };
}

/** An instrument of the generated orders. The symbols are invented, so that no price can be mistaken for a real quote. */
export interface Instrument {
  readonly symbol: string;
  readonly currency: string;
  /** The middle of the price range that is drawn from. */
  readonly basePrice: Money;
}

/** The generator's golden values depend on this list: append to it only with a new generator version. */
export const INSTRUMENTS: readonly Instrument[] = [
  { symbol: 'ACME', currency: 'USD', basePrice: 1_873_500n },
  { symbol: 'BOLT', currency: 'USD', basePrice: 427_300n },
  { symbol: 'CRUX', currency: 'USD', basePrice: 98_450n },
  { symbol: 'DYNE', currency: 'USD', basePrice: 5_120_000n },
  { symbol: 'EVEN', currency: 'EUR', basePrice: 764_200n },
  { symbol: 'FLUX', currency: 'EUR', basePrice: 231_000n },
  { symbol: 'GALE', currency: 'EUR', basePrice: 1_402_500n },
  { symbol: 'HALO', currency: 'GBP', basePrice: 318_700n },
  { symbol: 'IRIS', currency: 'GBP', basePrice: 88_900n },
  { symbol: 'JADE', currency: 'CHF', basePrice: 2_945_000n },
  { symbol: 'KITE', currency: 'CHF', basePrice: 612_800n },
  { symbol: 'LUMA', currency: 'JPY', basePrice: 32_450_000n },
  { symbol: 'MESA', currency: 'JPY', basePrice: 8_760_000n },
  { symbol: 'NOVA', currency: 'CAD', basePrice: 543_600n },
  { symbol: 'ONYX', currency: 'AUD', basePrice: 276_100n },
  { symbol: 'PIKE', currency: 'SEK', basePrice: 1_187_000n },
];
