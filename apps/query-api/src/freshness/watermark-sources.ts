import { Injectable } from '@nestjs/common';
import { Long, UUID, type Collection } from 'mongodb';
import { highestReservedNumber } from '#orders/numbering/number-blocks.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { importRowsCollection, type ImportRow } from '#orders/imports/import-rows.js';
import { batchOfNumber, unpackOrders } from '#orders/numbering/intake-batches.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { countByIndex } from '#orders/operation/saved-count.js';
import { settledAmong } from '#orders/settled/settled-blocks.js';
import type { NumberRange } from '../orders/number-holes.js';

/** Reads which order numbers have a saved order, by majority reads over the index `number`. */
@Injectable()
export class SavedNumbers {
  constructor(private readonly mongo: Mongo) {}

  /** Returns the highest number that any operation has reserved. */
  async highestReserved(): Promise<number> {
    return highestReservedNumber(this.mongo.db);
  }

  /** Whether each number of a range has an order. It reads index keys only. */
  async isFull({ from, to }: NumberRange): Promise<boolean> {
    const saved = await countByIndex(this.mongo.db, { number: numbersBetween({ from, to }) }, 'number');
    return saved === to - from + 1;
  }

  /** Returns the numbers of a range that have an order. */
  async among(range: NumberRange): Promise<Set<number>> {
    const found = await ordersCollection(this.mongo.db)
      .find({ number: numbersBetween(range) })
      .project<{ number: number }>({ _id: 0, number: 1 })
      .sort({ number: 1 })
      .hint('number')
      .toArray();
    return new Set(found.map(({ number }) => number));
  }
}

function numbersBetween({ from, to }: NumberRange): { $gte: Long; $lte: Long } {
  return { $gte: Long.fromNumber(from), $lte: Long.fromNumber(to) };
}

/** Consecutive order numbers, and the operation that they are reserved for. */
interface Block {
  readonly operationId: string;
  readonly first: number;
  readonly count: number;
  /** The index of the first number in the operation. */
  readonly from: number;
  /** Returns the ids of orders that may be saved under another number, by index. */
  readonly ids: (indexes: readonly number[]) => Promise<ReadonlyMap<number, UUID>>;
}

const NO_IDS: Block['ids'] = async () => Promise.resolve(new Map());

/** Finds out which order numbers without a saved order will never get one. */
@Injectable()
export class NumbersWithoutOrder {
  constructor(
    private readonly mongo: Mongo,
    private readonly archived: ArchivedIds,
  ) {}

  /** Returns those of the numbers that no order will get any more. They may belong to several operations. */
  async among(numbers: readonly number[]): Promise<Set<number>> {
    // Verified blocks first: what the other reads need of them is removed.
    const found = await settledAmong(this.mongo.db, numbers);
    let left = numbers.filter((number) => !found.has(number));
    while (left[0] !== undefined) {
      const block = (await this.received(left[0])) ?? (await this.published(left[0]));
      if (block === null) break;
      const { first, count, from } = block;
      const own = left.filter((number) => number < first + count);
      // The number belongs to no operation: the operation was deleted by hand, or the number was reserved just now.
      if (own.length === 0) break;
      left = left.slice(own.length);
      const indexes = own.map((number) => from + number - first);
      const known = [...(await this.deadLettered(block, indexes)), ...(await this.savedElsewhere(block, indexes))];
      for (const index of known) found.add(first + index - from);
    }
    return found;
  }

  private async deadLettered({ operationId }: Block, indexes: readonly number[]): Promise<number[]> {
    const letters = await deadLettersCollection(this.mongo.db)
      // Dead letters of duplicate and conflicting records say nothing about the order itself.
      .find({ operationId, index: { $in: [...indexes] }, fault: { $nin: ['duplicate', 'conflict'] } })
      .project<{ index: number }>({ _id: 0, index: 1 })
      .toArray();
    return letters.map(({ index }) => index);
  }

  /** Returns the indexes of orders that were saved before, under another number, which they keep, and may be archived with. */
  private async savedElsewhere({ ids: idsAt }: Block, indexes: readonly number[]): Promise<number[]> {
    const ids = await idsAt(indexes);
    if (ids.size === 0) return [];
    const saved = await ordersCollection(this.mongo.db).distinct('_id', { _id: { $in: [...ids.values()] } });
    const known = new Set(saved.map((id) => id.toHexString()));
    const others = [...ids.values()].map((id) => id.toHexString()).filter((id) => !known.has(id));
    for (const id of (await this.archived.find(others)).keys()) known.add(id);
    return [...ids].flatMap(([index, id]) => (known.has(id.toHexString()) ? index : []));
  }

  /** Returns the block of an order that an intake has received. */
  private async received(number: number): Promise<Block | null> {
    const batch = await batchOfNumber(this.mongo.db, number);
    if (batch === null) return null;
    const { _id: first, operationId, from, count } = batch;
    const orders = unpackOrders(batch);
    return {
      operationId,
      first,
      count,
      from,
      ids: async (indexes) =>
        Promise.resolve(
          new Map(
            indexes.flatMap((index) => {
              const order = orders[index - from];
              return order === undefined ? [] : [[index, new UUID(order.id)] as const];
            }),
          ),
        ),
    };
  }

  private async published(number: number): Promise<Block | null> {
    const operation = await operationsCollection(this.mongo.db).findOne(
      { firstNumber: { $gte: 1, $lte: number }, count: { $gt: 0 } },
      { sort: { firstNumber: -1 }, projection: { firstNumber: 1, count: 1, kind: 1 } },
    );
    if (operation === null) return null;
    const { _id: operationId, firstNumber: first, count, kind } = operation;
    const ids =
      kind === 'import' ? async (indexes: readonly number[]) => this.importedIds(operationId, indexes) : NO_IDS;
    return { operationId, first, count, from: 0, ids };
  }

  private async importedIds(operationId: string, indexes: readonly number[]): Promise<Map<number, UUID>> {
    const rows = await importRowsCollection(this.mongo.db)
      .find({ operationId, index: { $in: [...indexes] } })
      .project<Pick<ImportRow, '_id' | 'index'>>({ index: 1 })
      .toArray();
    return new Map(rows.map(({ _id, index }) => [index, _id]));
  }
}

interface WatermarkDocument {
  readonly _id: 'orders';
  readonly through: Long | number;
}

/**
 * The watermark in MongoDB, shared by all query APIs: with it, one that starts counts nothing again. A stored value was reached by
 * majority reads and is written with a majority, so that no fail-over takes an order back that it promises.
 */
@Injectable()
export class StoredWatermark {
  constructor(private readonly mongo: Mongo) {}

  /** Returns the stored watermark, 0 before the first. */
  async read(): Promise<number> {
    return Number((await this.collection.findOne({ _id: 'orders' }))?.through ?? 0);
  }

  /** Stores a watermark that was reached. It only rises: another process may have stored a higher one. */
  async raise(through: number): Promise<void> {
    await this.collection.updateOne(
      { _id: 'orders' },
      { $max: { through: Long.fromNumber(through) } },
      { upsert: true },
    );
  }

  private get collection(): Collection<WatermarkDocument> {
    return this.mongo.db.collection<WatermarkDocument>('watermark');
  }
}
