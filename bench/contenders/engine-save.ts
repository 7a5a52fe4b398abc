import type { OrderDocument } from '#orders/order-document.js';
import { Batcher } from '#parallel-consumer/attempts/batcher.js';
import { insertOrders } from '../../apps/consumer/src/bulk-insert.js';
import { OrderSaver } from '../../apps/consumer/src/order-saver.js';
import { classifySaveFailure } from '../../apps/consumer/src/save-failure.js';
import { connectSave } from './connect-save.js';
import type { Contender } from './contender.js';
import { simulatedWait } from './simulated-wait.js';
import { startEngine } from './start-engine.js';

/** As in the consumer app's module. */
const BATCHES = { maxBatchSize: 1_000, maxBatchWaitMs: 10 };

export const contend: Contender<'engine-save'> = async (job, meter) => {
  const { inFlight, saveMs } = job.parameters;
  const { codec, mongo } = await connectSave(job);
  const inserts = new Batcher(async (documents: readonly OrderDocument[]) => insertOrders(mongo, documents), BATCHES);
  const saver = new OrderSaver(codec, simulatedWait(saveMs), inserts);
  const handler: Parameters<typeof startEngine>[1]['handler'] = async (record, attempt) => {
    meter.begin();
    await saver.save(record, attempt);
    meter.finished();
  };
  await startEngine(job, { handler, inFlight, classify: classifySaveFailure });
  await meter.done;
};
