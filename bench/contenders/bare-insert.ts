import { Long, UUID } from 'mongodb';
import { toDocument, type OrderDocument, ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { DATASET_OPERATION_ID, orderAtOf } from '../datasets/orders-dataset.js';
import { PARTITIONS } from '../datasets/dataset.js';
import type { Contender } from './contender.js';

const ACCOUNTS = 100_000;
/** Measured: larger bulks and more at once are not faster. */
const BULK = 2_000;
const AT_ONCE = 2;

/** The limit of every way to save: the same documents in the order of their numbers, as fast as MongoDB takes them. */
export const contend: Contender<'bare-insert'> = async (job, meter) => {
  const mongo = new Mongo(job.mongodbUri, 'bench');
  await mongo.connect();
  const orders = ordersCollection(mongo.db);
  const documentAt = documentsOf(job.records);
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < job.records) {
      const from = next;
      next = Math.min(job.records, from + BULK);
      const documents = Array.from({ length: next - from }, (_, at) => documentAt(from + at));
      await orders.insertMany(documents, { ordered: false });
      meter.finished(documents.length);
    }
  };
  meter.begin();
  await Promise.all(Array.from({ length: AT_ONCE }, loop));
  await meter.done;
};

function documentsOf(count: number): (index: number) => OrderDocument {
  const orderAt = orderAtOf(count, ACCOUNTS);
  const operationId = new UUID(DATASET_OPERATION_ID);
  const savedAt = new Date();
  return (index) =>
    toDocument(orderAt(index), {
      operationId,
      partition: index % PARTITIONS,
      offset: Long.fromNumber(Math.floor(index / PARTITIONS)),
      attempts: 1,
      savedAt,
    });
}
