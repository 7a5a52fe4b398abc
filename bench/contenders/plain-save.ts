import { ordersCollection } from '#orders/order/orders-collection.js';
import { connectSave } from './connect-save.js';
import type { Contender } from './contender.js';
import { orderOfMessage } from './order-of-message.js';
import { simulatedWait } from './simulated-wait.js';
import { startPlain } from './start-plain.js';

export const contend: Contender<'plain-save'> = async (job, meter) => {
  const { saveMs, fetch, partitionsConsumedConcurrently } = job.parameters;
  const { codec, mongo } = await connectSave(job);
  const collection = ordersCollection(mongo.db);
  const wait = simulatedWait(saveMs);
  await startPlain(
    job,
    {
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently,
      eachBatch: async (payload) => {
        const { batch } = payload;
        meter.begin();
        const documents = await Promise.all(
          batch.messages.map(async (message) => {
            await wait();
            return orderOfMessage(codec, batch.partition, message);
          }),
        );
        await collection.insertMany(documents, { ordered: false });
        meter.finished(documents.length);
        payload.resolveOffset(batch.lastOffset());
        await payload.commitOffsetsIfNecessary(payload.uncommittedOffsets());
        await payload.heartbeat();
      },
    },
    fetch,
  );
  await meter.done;
};
