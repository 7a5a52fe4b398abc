import { batchHandler, reportingHandler } from '@orders-pipeline/parallel-consumer';
import type { JsonOrder } from '../datasets/json-orders-dataset.js';
import { connectJsonOrders } from './json-orders.js';
import type { Contender } from './contender.js';
import { simulatedWait } from './simulated-wait.js';
import { startEngine } from './start-engine.js';

const MAX_BUFFERED = 8_000;

/** The engine as an adopter uses it: its public exports only. */
export const contend: Contender<'json-engine'> = async (job, meter) => {
  const { inFlight, saveMs, ordering } = job.parameters;
  const orders = await connectJsonOrders(job);
  const wait = simulatedWait(saveMs);
  const inOrder = ordering === 'key';
  const write = batchHandler({
    maxBatchSize: 2_000,
    maxBatchWaitMs: 50,
    sameKeyInBatch: inOrder,
    handle: async (items) => {
      const documents = items.map(({ record }) => JSON.parse(record.valueText ?? '') as JsonOrder);
      // In order, MongoDB inserts none after one that failed.
      await orders.insertMany(documents, { ordered: inOrder });
      meter.finished(items.length);
      return items.map(() => undefined);
    },
  });
  const handler = reportingHandler((item) => {
    meter.begin();
    if (saveMs.maximum === 0) write.start(item);
    else void wait().then(() => write.start(item));
  });
  // Records wait for their key only until the next batches, so a few batches of them are enough.
  await startEngine(job, { handler, inFlight, ordering, ...(inOrder && { maxBuffered: MAX_BUFFERED }) });
  await meter.done;
};
