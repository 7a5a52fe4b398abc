import { OrderCodec } from '#orders/order-codec.js';
import { Mongo } from '#service/mongo.js';
import type { Job } from './job.js';

/** What every save needs: the codec of the app, and the connection with its write concern (majority, journaled). */
export async function connectSave({ registryUrl, mongodbUri }: Job): Promise<{ codec: OrderCodec; mongo: Mongo }> {
  const mongo = new Mongo(mongodbUri, 'bench');
  await mongo.client.connect();
  return { codec: await OrderCodec.connect(registryUrl), mongo };
}
