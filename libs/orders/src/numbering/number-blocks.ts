import { type ClientSession, type Collection, type Db, Long } from 'mongodb';

/** A block of numbers that an intake has reserved. */
export interface ReservedBlock {
  /** The first number of the block. */
  readonly first: number;
  readonly count: number;
  readonly operationId: string;
  /** The index of the first order in the operation. */
  readonly from: number;
}

interface Counter {
  readonly _id: string;
  /** The highest number ever reserved. */
  readonly value: Long | number;
  /** Blocks of intakes that may have no batch document yet, in ascending order. Absent means none. */
  readonly unrecorded?: readonly ReservedBlock[];
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

/**
 * Reserves the next `count` order numbers for a batch of an intake, in one update: a transaction that is open when its process is
 * killed would block all reservations for a minute. The block is listed as unrecorded until a later call names it.
 * @param recorded the first numbers of blocks whose batch documents are stored
 * @returns the block, and all blocks that are listed now
 * @throws RangeError as `reserveNumbers`. After an error of the driver, the block may be reserved and listed
 */
export async function reserveBlock(
  db: Db,
  { count, operationId, from }: Omit<ReservedBlock, 'first'>,
  recorded: readonly number[],
): Promise<{ readonly first: number; readonly unrecorded: readonly ReservedBlock[] }> {
  const value = { $ifNull: ['$value', Long.ZERO] };
  const listed = { $ifNull: ['$unrecorded', []] };
  const block = { first: { $add: [value, Long.ONE] }, count, operationId, from };
  const counter = await counters(db).findOneAndUpdate(
    { _id: ORDER_NUMBERS },
    [
      {
        $set: {
          value: { $add: [value, Long.fromNumber(count)] },
          unrecorded: {
            $concatArrays: [
              { $filter: { input: listed, cond: { $not: { $in: ['$$this.first', [...recorded]] } } } },
              [block],
            ],
          },
        },
      },
    ],
    { upsert: true, returnDocument: 'after' },
  );
  const last = Number(counter?.value);
  if (!Number.isSafeInteger(last)) throw new RangeError('order numbers are used up: 2^53 - 1 is the last');
  return { first: last - count + 1, unrecorded: counter?.unrecorded ?? [] };
}

/** Returns the blocks of intakes that may have no batch document. */
export async function unrecordedBlocks(db: Db): Promise<readonly ReservedBlock[]> {
  const counter = await counters(db).findOne({ _id: ORDER_NUMBERS });
  return counter?.unrecorded ?? [];
}

/** Removes blocks from the list, by their first numbers, once all their numbers have batch documents. */
export async function forgetRecorded(db: Db, recorded: readonly number[]): Promise<void> {
  await counters(db).updateOne({ _id: ORDER_NUMBERS }, { $pull: { unrecorded: { first: { $in: [...recorded] } } } });
}

/** Lets all further blocks begin above a number: data of a backup lack the blocks that were reserved since. Never lowers the counter. */
export async function raiseReservedNumbers(db: Db, highest: number): Promise<void> {
  await counters(db).updateOne({ _id: ORDER_NUMBERS }, { $max: { value: Long.fromNumber(highest) } }, { upsert: true });
}

/** Returns the highest number that any operation has reserved, 0 before the first. No order has a higher number. */
export async function highestReservedNumber(db: Db): Promise<number> {
  const counter = await counters(db).findOne({ _id: ORDER_NUMBERS });
  return Number(counter?.value ?? 0);
}
