import { createDraws } from './draws.js';
import { INSTRUMENTS, type Instrument } from './instruments.js';
import { MAX_QUANTITY, type Order } from '../order/order.js';
import { createOrderIds } from '../order/order-id.js';

/** The complete input of the generator. Two equal batches give equal orders, byte for byte, on every machine. */
export interface OrderBatch {
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
 * Creates the generator of a batch: a pure function of (batch, index) with random access. Another process can generate any
 * chunk again after a crash, and a verifier needs no list of the orders.
 * @returns a function of the index, 0 to count - 1; work that all orders of a batch share is done once, before it returns
 */
export function orderGenerator(batch: OrderBatch): (index: number) => Order {
  const idOf = createOrderIds(batch.operationId);
  const draw = createDraws(batch.seed);
  const start = batch.from.getTime();
  const span = batch.to.getTime() - start;
  return (index) => {
    const instrument = INSTRUMENTS[draw(INSTRUMENT, index, INSTRUMENTS.length)] as Instrument;
    const quantity = 1 + draw(QUANTITY, index, MAX_QUANTITY);
    const base = Number(instrument.basePrice);
    const price = BigInt(base - Math.floor(base / 10) + draw(PRICE, index, Math.floor(base / 5)));
    return {
      id: idOf(index),
      number: batch.firstNumber + index,
      accountId: `acc-${draw(ACCOUNT, index, batch.accounts).toString().padStart(7, '0')}`,
      side: draw(SIDE, index, 2) === 0 ? 'buy' : 'sell',
      symbol: instrument.symbol,
      quantity,
      price,
      amount: BigInt(quantity) * price,
      currency: instrument.currency,
      createdAt: new Date(start + Math.floor((index / batch.count) * span)),
    };
  };
}
