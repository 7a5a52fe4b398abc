import { BSON, MongoBulkWriteError, UUID, type AnyBulkWriteOperation } from 'mongodb';
import { archivedIdsCollection, type ArchivedId } from '#orders/archive/archived-ids.js';
import {
  archivedRangesCollection,
  type ArchivedRange,
  type ArchivedState,
  type NumberRun,
} from '#orders/archive/archived-ranges.js';
import { type OrderDocument, ordersCollection } from '#orders/order/order-document.js';
import { countByIndex } from '#orders/operation/saved-count.js';
import { idIn } from '#reconcile/stored-content.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import type { OrdersStore } from './archive-store.js';
import { numberGroups } from './number-groups.js';

const DUPLICATE_KEY = 11000;
/** Keeps each number and date as MongoDB stores it, so that an order is inserted as it was. */
const EXACTLY = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true };

/** The orders and the list of archived ranges in MongoDB. */
export class MongoOrdersStore implements OrdersStore {
  constructor(protected readonly mongo: Mongo) {}

  now(): Date {
    return this.mongo.time.now();
  }

  async *documents(runs: readonly NumberRun[]): AsyncGenerator<readonly Buffer[]> {
    for (const { filter, size } of numberGroups(runs)) {
      const found = await this.orders
        .find(filter, { raw: true, batchSize: size + 1, readConcern: { level: 'majority' } })
        .sort({ number: 1 })
        .hint('number')
        .toArray();
      // With `raw` the driver returns bytes, despite the collection's type.
      if (found.length > 0) yield found as unknown as Buffer[];
    }
  }

  async count(runs: readonly NumberRun[]): Promise<number> {
    let sum = 0;
    for (const { filter } of numberGroups(runs)) sum += await countByIndex(this.mongo.db, filter, 'number');
    return sum;
  }

  async change({ _id }: ArchivedRange, state: ArchivedState): Promise<void> {
    await this.listed.updateOne({ _id }, { $set: { state, changedAt: this.now() } });
  }

  async unlist({ _id }: ArchivedRange): Promise<void> {
    await this.listed.deleteOne({ _id });
  }

  async storeIds({ _id: first }: ArchivedRange, documents: readonly Buffer[]): Promise<void> {
    const writes = documents.map((document): AnyBulkWriteOperation<ArchivedId> => {
      const _id = new UUID(idIn(document));
      return { replaceOne: { filter: { _id }, replacement: { first }, upsert: true } };
    });
    await archivedIdsCollection(this.mongo.db).bulkWrite(writes, { ordered: false });
  }

  async forgetIds(documents: readonly Buffer[]): Promise<void> {
    await archivedIdsCollection(this.mongo.db).deleteMany({ _id: { $in: documents.map(toId) } });
  }

  async remove(documents: readonly Buffer[]): Promise<void> {
    await this.orders.deleteMany({ _id: { $in: documents.map(toId) } });
  }

  async insert(documents: readonly Buffer[]): Promise<void> {
    const orders = documents.map((document) => BSON.deserialize(document, EXACTLY) as OrderDocument);
    try {
      await this.orders.insertMany(orders, { ordered: false });
    } catch (error) {
      // Inserted by an earlier run, or taken by another order: the comparison at the end finds out which.
      if (!isDuplicate(error)) throw error;
    }
  }

  private get orders() {
    return ordersCollection(this.mongo.db);
  }

  protected get listed() {
    return archivedRangesCollection(this.mongo.db);
  }
}

function toId(document: Buffer): UUID {
  return new UUID(idIn(document));
}

function isDuplicate(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) return false;
  const failures = [error.writeErrors].flat();
  return failures.length > 0 && failures.every(({ code }) => code === DUPLICATE_KEY);
}
