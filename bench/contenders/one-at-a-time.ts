import { ordersCollection } from '#orders/order/order-document.js';
import { connectSave } from './connect-save.js';
import type { Contender } from './contender.js';
import { orderOfMessage } from './order-of-message.js';
import { simulatedWait } from './simulated-wait.js';
import { startPlain } from './start-plain.js';

const ALL_PARTITIONS = 12;

export const contend: Contender<'one-at-a-time'> = async (job, meter) => {
  const { codec, mongo } = await connectSave(job);
  const collection = ordersCollection(mongo.db);
  const wait = simulatedWait(job.parameters.saveMs);
  await startPlain(job, {
    partitionsConsumedConcurrently: ALL_PARTITIONS,
    eachMessage: async ({ message, partition }) => {
      meter.begin();
      await wait();
      await collection.insertOne(await orderOfMessage(codec, partition, message));
      meter.finished();
    },
  });
  await meter.done;
};
