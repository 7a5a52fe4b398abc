import type { JsonOrder } from '../datasets/json-orders-dataset.js';
import type { Contender } from './contender.js';
import { connectJsonOrders } from './json-orders.js';
import { savePlainBatches } from './start-plain.js';

export const contend: Contender<'json-plain'> = async (job, meter) => {
  const orders = await connectJsonOrders(job);
  await savePlainBatches(job, meter, {
    documentOf: ({ value }) => JSON.parse(String(value)) as JsonOrder,
    insert: async (documents) => orders.insertMany(documents, { ordered: false }),
  });
};
