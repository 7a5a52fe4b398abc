import { UUID, type Db } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { intakeBatchesCollection, unpackOrders, type IntakeBatch } from '#orders/numbering/intake-batches.js';
import { besideSettled, outsideOf, type SettledTotals } from '#orders/settled/settled-blocks.js';
import { countByIndex, numbersOf } from '#orders/operation/saved-count.js';
import { ordersCollection } from '#orders/order/order-document.js';

/** Limits of what is counted at once. */
const MAX_RANGES = 100;
const MAX_NUMBERS = 100_000;

const NUMBERED_FROM_0 = { firstNumber: 0 };

type BatchNumbers = Pick<IntakeBatch, '_id' | 'count'>;

/** Batches whose numbers are at most MAX_RANGES ranges. */
interface Group {
  readonly batches: BatchNumbers[];
  readonly ranges: { from: number; to: number }[];
  /** Sum of their orders. */
  numbers: number;
}

/**
 * Counts the acknowledged orders of an intake that are saved, by majority reads: under their own number, or, if they were saved before,
 * under the number that they have kept. Settled blocks have these counts, also when they are archived.
 */
export async function countReceivedSaved(db: Db, operationId: string): Promise<number> {
  return besideSettled(
    db,
    operationId,
    async (settled) => settled.saved + settled.skipped + (await countBeside(db, operationId, settled)),
  );
}

async function countBeside(db: Db, operationId: string, settled: SettledTotals): Promise<number> {
  const batches = intakeBatchesCollection(db)
    .find({ operationId, state: 'acknowledged', ...outsideOf(settled, 'from') })
    .sort({ from: 1 })
    .project<BatchNumbers>({ count: 1 });
  let saved = 0;
  let group: Group = { batches: [], ranges: [], numbers: 0 };
  for await (const batch of batches) {
    if (group.ranges.length === MAX_RANGES || group.numbers >= MAX_NUMBERS) {
      saved += await countGroup(db, operationId, group);
      group = { batches: [], ranges: [], numbers: 0 };
    }
    add(group, batch);
  }
  return saved + (await countGroup(db, operationId, group));
}

function add(group: Group, batch: BatchNumbers): void {
  group.batches.push(batch);
  group.numbers += batch.count;
  const last = group.ranges.at(-1);
  const to = batch._id + batch.count;
  if (last?.to === batch._id) last.to = to;
  else group.ranges.push({ from: batch._id, to });
}

async function countGroup(db: Db, operationId: string, group: Group): Promise<number> {
  if (group.numbers === 0) return 0;
  const found = await countByIndex(db, withNumbers(group), 'number');
  return found === group.numbers ? found : found + (await countElsewhere(db, operationId, group));
}

/** Counts orders that are saved, but not under the number that the intake gave them. A conflict has the id of a saved order. */
async function countElsewhere(db: Db, operationId: string, group: Group): Promise<number> {
  const own = await ordersCollection(db)
    .find(withNumbers(group))
    .hint('number')
    .project<{ number: number }>({ _id: 0, number: 1 })
    .toArray();
  const numbers = new Set(own.map(({ number }) => number));
  const incomplete = group.batches.filter(({ _id, count }) => {
    for (let number = _id; number < _id + count; number += 1) if (!numbers.has(number)) return true;
    return false;
  });
  const batches = await intakeBatchesCollection(db)
    .find({ _id: { $in: incomplete.map(({ _id }) => _id) } })
    .toArray();
  const missing = batches.flatMap((batch) =>
    unpackOrders(batch).flatMap(({ id }, position) =>
      numbers.has(batch._id + position) ? [] : { id, index: batch.from + position },
    ),
  );
  const indexes = missing.map(({ index }) => index);
  const letters = await deadLettersCollection(db).distinct('index', {
    operationId,
    index: { $in: indexes },
    state: { $ne: 'saved' },
  });
  const unsaved = new Set(letters);
  const elsewhere = missing.filter(({ index }) => !unsaved.has(index));
  const saved = await ordersCollection(db).distinct('_id', { _id: { $in: elsewhere.map(({ id }) => new UUID(id)) } });
  const known = new Set(saved.map((id) => id.toHexString()));
  // An order that was sent several times is missing several times.
  return elsewhere.filter(({ id }) => known.has(id)).length;
}

function withNumbers({ ranges }: Group) {
  return { $or: ranges.map((range) => ({ number: numbersOf(NUMBERED_FROM_0, range) })) };
}
