import { Long, MongoClient, UUID } from 'mongodb';
import { orderGenerator } from '#orders/generator.js';
import { batchOf, ensureOperationIndexes, operationsCollection, type PopulateDocument } from '#orders/operation.js';
import { orderIdsOf } from '#orders/order-id.js';
import { toDocument, type OrderDocument } from '#orders/order-document.js';
import { ensureOrderIndexes, ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';
import { Operations } from '../../apps/producer/src/operations/operations.js';
import { PopulateRequestSchema } from '../../apps/producer/src/operations/populate-request.js';
import { PARTITIONS } from './dataset.js';

const SEED = 20_261_125;
/** Orders of one insert; two inserts are on their way at a time. */
const BULK = 10_000;
const AT_ONCE = 2;

/** Orders that stand in a database, numbered from 1 on. */
export interface SavedOrdersDataset {
  readonly uri: string;
  readonly count: number;
  /** @param index 0 to `count` - 1, in the order of their numbers */
  readonly idAt: (index: number) => string;
}

/**
 * Puts one populate's orders into an empty database as producer and consumer leave them: the operation, its numbers, and every order
 * with its `ingest`, in about the order of the topic. The indexes are built when all are there: ten million take three minutes so.
 * @throws what the signal was aborted with
 */
export async function saveOrders(uri: string, count: number, signal: AbortSignal): Promise<SavedOrdersDataset> {
  const mongo = new Mongo(uri, 'bench');
  await ensureOperationIndexes(mongo.db);
  const request = PopulateRequestSchema.parse({ count, seed: SEED });
  const operation = await new Operations(mongo).createPopulate(request, undefined);
  if (operation.kind !== 'populate') throw new Error('a populate was asked for');
  const orderAt = orderGenerator(batchOf(operation));
  const savedAt = new Date();
  const documentAt = (index: number): OrderDocument =>
    toDocument(orderAt(index), {
      operationId: new UUID(operation._id),
      partition: index % PARTITIONS,
      offset: Long.fromNumber(Math.floor(index / PARTITIONS)),
      attempts: 1,
      savedAt,
    });
  let next = 0;
  const insertOn = async (): Promise<void> => {
    for (let from = next; from < count; from = next) {
      signal.throwIfAborted();
      next = Math.min(from + BULK, count);
      const documents = Array.from({ length: next - from }, (_, at) => documentAt(from + at));
      await ordersCollection(mongo.db).insertMany(documents, { ordered: false });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, insertOn));
  await markSucceeded(mongo, operation);
  await buildIndexes(uri);
  await mongo.client.close();
  return { uri, count, idAt: orderIdsOf(operation._id) };
}

/** By a connection that waits: over millions of orders it takes longer than any call of an app may. */
async function buildIndexes(uri: string): Promise<void> {
  const client = new MongoClient(uri);
  try {
    await ensureOrderIndexes(client.db());
  } finally {
    await client.close();
  }
}

/** As it stands once Kafka has acknowledged all of it. */
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
