import { OrderCodec } from '#orders/order/order-codec.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { Job } from './job.js';

/** Connects the app's codec and its MongoDB client, with write concern majority, journaled. */
export async function connectSave({ registryUrl, mongodbUri }: Job): Promise<{ codec: OrderCodec; mongo: Mongo }> {
  const mongo = new Mongo(mongodbUri, 'bench');
  await mongo.client.connect();
  return { codec: await OrderCodec.connect({ url: registryUrl }), mongo };
}
