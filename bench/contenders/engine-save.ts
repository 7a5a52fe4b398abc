import { classifySaveFailure } from '../../apps/consumer/src/save/save-failure.js';
import { connectSave } from './connect-save.js';
import type { Contender } from './contender.js';
import { orderSaver } from './order-saver.js';
import { startEngine } from './start-engine.js';

export const contend: Contender<'engine-save'> = async (job, meter) => {
  const { inFlight, saveMs } = job.parameters;
  const saver = orderSaver(await connectSave(job), saveMs);
  const finished = (): void => meter.finished();
  // Not an async function: like the consumer app, it keeps no frame per record in flight.
  const handler: Parameters<typeof startEngine>[1]['handler'] = (record, attempt) => {
    meter.begin();
    return saver.save(record, attempt).then(finished);
  };
  await startEngine(job, { handler, inFlight, classify: classifySaveFailure });
  await meter.done;
};
