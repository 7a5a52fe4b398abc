import { drawsOf } from './draws.js';
import { INSTRUMENTS, type Instrument } from './instruments.js';
import { MAX_QUANTITY, type Order } from './order.js';
import { orderIdsOf } from './order-id.js';

/** All that an operation's orders are made from. Two equal batches give equal orders, byte for byte, on every machine. */
export interface OrderBatch {
  readonly operationId: string;
  /** 0 to 2^53 - 1: chooses the accounts, symbols, sides, prices and quantities. */
  readonly seed: number;
  /** How many orders the operation has. */
  readonly count: number;
  /** The number of the order with index 0. */
  readonly firstNumber: number;
  /** Accounts are drawn evenly from `acc-0000000` to `acc-` (accounts - 1). */
  readonly accounts: number;
  /** `createdAt` rises evenly from this date (index 0) … */
  readonly from: Date;
  /** … towards this one, which it never reaches. */
  readonly to: Date;
}

// One independent draw per field: the hash's own seed names the field.
const ACCOUNT = 1;
const INSTRUMENT = 2;
const SIDE = 3;
const QUANTITY = 4;
const PRICE = 5;

/**
 * The generator: a pure function of (batch, index) with random access, so that any chunk can be made again alone, by
 * another process, after a crash, or by a verifier that keeps no list.
 * @returns a function of the index, 0 to count - 1; the work that all orders of a batch share is done once, here
 */
export function orderGenerator(batch: OrderBatch): (index: number) => Order {
  const idOf = orderIdsOf(batch.operationId);
  const draw = drawsOf(batch.seed);
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
