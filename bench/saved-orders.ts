import { Long, UUID } from 'mongodb';
import { orderGenerator } from '#orders/generator/generator.js';
import { populateInputOf, operationsCollection, type PopulateDocument } from '#orders/operation/operation.js';
import { type OrderDocument, toDocument, ordersCollection } from '#orders/order/order-document.js';
import { createOrderIds } from '#orders/order/order.js';
import { migrateAt, migrateDatabase } from '#service/mongodb/migrate-database.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { Operations } from '../apps/producer/src/operations/operations.js';
import { PopulateRequestSchema } from '../apps/producer/src/operations/operation-requests.js';
import { PARTITIONS } from './kafka.js';

const SEED = 20_261_125;
/** Orders per insert; two inserts run at a time. */
const BULK = 10_000;
const CONCURRENT_INSERTS = 2;

/** Orders in a database, numbered from 1. */
export interface SavedOrdersDataset {
  readonly uri: string;
  readonly count: number;
  /** @param index 0 to `count` - 1, in the order of their numbers */
  readonly idAt: (index: number) => string;
}

/**
 * Inserts the orders of one populate into an empty database, like producer and consumer: the operation, its numbers, and every order with
 * its `ingest`, in roughly the order of the topic. Builds the indexes at the end: ten million orders then take three minutes.
 * @throws the abort reason of the signal
 */
export async function saveOrders(uri: string, count: number, signal: AbortSignal): Promise<SavedOrdersDataset> {
  const mongo = new Mongo(uri, 'bench');
  await migrateDatabase(mongo.db, { collections: ['operations'] });
  const request = PopulateRequestSchema.parse({ count, seed: SEED });
  const operation = await new Operations(mongo).createPopulate(request, undefined);
  if (operation.kind !== 'populate') throw new Error('the operation is not a populate');
  const orderAt = orderGenerator(populateInputOf(operation));
  const savedAt = new Date();
  const documentAt = (index: number): OrderDocument =>
    toDocument(orderAt(index), {
      operationId: new UUID(operation._id),
      partition: index % PARTITIONS,
      // Their records are on no topic. The archive wants consumers to have committed them.
      offset: Long.ZERO,
      attempts: 1,
      savedAt,
    });
  let next = 0;
  const insertBatches = async (): Promise<void> => {
    for (let from = next; from < count; from = next) {
      signal.throwIfAborted();
      next = Math.min(from + BULK, count);
      const documents = Array.from({ length: next - from }, (_, at) => documentAt(from + at));
      await ordersCollection(mongo.db).insertMany(documents, { ordered: false });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_INSERTS }, insertBatches));
  await markSucceeded(mongo, operation);
  await migrateAt(uri);
  await mongo.client.close();
  return { uri, count, idAt: createOrderIds(operation._id) };
}

/** Marks the operation as succeeded, as after Kafka has acknowledged all its records. */
async function markSucceeded(mongo: Mongo, { _id, segments }: PopulateDocument): Promise<void> {
  const done = segments.map((segment) => ({
    ...segment,
    generatedTo: segment.to,
    ackedTo: segment.to,
    isDone: true,
  }));
  await operationsCollection(mongo.db).updateOne(
    { _id },
    { $set: { status: 'succeeded', finishedAt: new Date(), segments: done } },
  );
}
