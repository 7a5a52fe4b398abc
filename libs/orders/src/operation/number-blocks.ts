import type { ClientSession, Collection, Db } from 'mongodb';
import { Long } from 'mongodb';

interface Counter {
  readonly _id: string;
  /** The highest number ever reserved. */
  readonly value: Long | number;
}

const ORDER_NUMBERS = 'order-numbers';

function counters(db: Db): Collection<Counter> {
  return db.collection<Counter>('counters');
}

/**
 * Reserves the next `count` order numbers for one operation. Blocks never overlap and follow each other without gaps, so
 * that the numbers of all operations together are dense.
 * @param session the transaction that also inserts the operation; if it aborts, the block is released
 * @returns the first number of the block, 1 for the first block ever
 * @throws RangeError when the numbers up to 2^53 - 1 are used up
 */
export async function reserveNumbers(db: Db, count: number, session: ClientSession): Promise<number> {
  const counter = await counters(db).findOneAndUpdate(
    { _id: ORDER_NUMBERS },
    { $inc: { value: Long.fromNumber(count) } },
    { upsert: true, returnDocument: 'after', session },
  );
  const last = Number(counter?.value);
  if (!Number.isSafeInteger(last)) throw new RangeError('order numbers are used up: 2^53 - 1 is the last');
  return last - count + 1;
}

/** Returns the highest number that any operation has reserved, 0 before the first. No order has a higher number. */
export async function highestReservedNumber(db: Db): Promise<number> {
  const counter = await counters(db).findOne({ _id: ORDER_NUMBERS });
  return Number(counter?.value ?? 0);
}
