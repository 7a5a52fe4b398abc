import { MongoClient, type Collection } from 'mongodb';
import type { JsonOrder } from '../datasets/json-orders-dataset.js';
import type { Job } from './job.js';

/** Connects to the collection of JSON orders, which has no index but that of `_id`. Writes are as durable as the consumer app's. */
export async function connectJsonOrders({ mongodbUri }: Job): Promise<Collection<JsonOrder>> {
  const client = new MongoClient(mongodbUri, { writeConcern: { w: 'majority', journal: true } });
  await client.connect();
  return client.db().collection<JsonOrder>('jsonOrders');
}
