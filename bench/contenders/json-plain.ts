import type { JsonOrder } from '../datasets/json-orders-dataset.js';
import { connectJsonOrders } from './json-orders.js';
import type { Contender } from './contender.js';
import { simulatedWait } from './simulated-wait.js';
import { startPlain } from './start-plain.js';

export const contend: Contender<'json-plain'> = async (job, meter) => {
  const { saveMs, fetch, partitionsConsumedConcurrently } = job.parameters;
  const orders = await connectJsonOrders(job);
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
          batch.messages.map(async ({ value }) => {
            await wait();
            return JSON.parse(String(value)) as JsonOrder;
          }),
        );
        await orders.insertMany(documents, { ordered: false });
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
