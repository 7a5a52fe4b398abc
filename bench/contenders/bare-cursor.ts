import { ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { Contender } from './contender.js';

export const contend: Contender<'bare-cursor'> = async (job, meter) => {
  const mongo = new Mongo(job.mongodbUri, 'bench');
  const cursor = ordersCollection(mongo.db)
    .find({}, { projection: { ingest: 0 } })
    .sort({ number: 1 })
    .limit(job.records);
  for await (const _order of cursor) {
    meter.begin();
    meter.finished();
  }
  await meter.done;
};
