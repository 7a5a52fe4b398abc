import { Injectable } from '@nestjs/common';
import { UUID } from 'mongodb';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { importRowsCollection, type ImportRow } from '#orders/operation/import-rows.js';
import { batchOfNumber, unpackOrders } from '#orders/operation/intake-batches.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { settledAmong } from '#orders/settled/settled-blocks.js';
import { Mongo } from '#service/mongodb/mongo.js';

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
export class SettledNumbers {
  constructor(
    private readonly mongo: Mongo,
    private readonly archived: ArchivedIds,
  ) {}

  /** Returns those of the numbers that no order will get any more. They may belong to several operations. */
  async among(numbers: readonly number[]): Promise<Set<number>> {
    // Settled blocks first: what the other reads need of them is removed.
    const found = await settledAmong(this.mongo.db, numbers);
    let left = numbers.filter((number) => !found.has(number));
    while (left[0] !== undefined) {
      const block = (await this.received(left[0])) ?? (await this.emitted(left[0]));
      if (block === null) break;
      const { first, count, from } = block;
      const own = left.filter((number) => number < first + count);
      // The number belongs to no operation: the operation was deleted by hand, or the number was reserved just now.
      if (own.length === 0) break;
      left = left.slice(own.length);
      const indexes = own.map((number) => from + number - first);
      const settled = [...(await this.deadLettered(block, indexes)), ...(await this.savedElsewhere(block, indexes))];
      for (const index of settled) found.add(first + index - from);
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

  private async emitted(number: number): Promise<Block | null> {
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
