import { ordersCollection } from '#orders/order/order-document.js';
import { connectSave } from './connect-save.js';
import type { Contender } from './contender.js';
import { orderOfMessage } from './order-of-message.js';
import { savePlainBatches } from './start-plain.js';

export const contend: Contender<'plain-save'> = async (job, meter) => {
  const { codec, mongo } = await connectSave(job);
  const collection = ordersCollection(mongo.db);
  await savePlainBatches(job, meter, {
    documentOf: async (message, partition) => orderOfMessage(codec, partition, message),
    insert: async (documents) => collection.insertMany(documents, { ordered: false }),
  });
};
