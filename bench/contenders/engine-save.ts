import { classifySaveFailure } from '../../apps/consumer/src/save-failure.js';
import { connectSave } from './connect-save.js';
import type { Contender } from './contender.js';
import { orderSaver } from './order-saver.js';
import { startEngine } from './start-engine.js';

export const contend: Contender<'engine-save'> = async (job, meter) => {
  const { inFlight, saveMs } = job.parameters;
  const saver = orderSaver(await connectSave(job), saveMs);
  const finished = (): void => meter.finished();
  // No frame of its own for each record in flight: the consumer app has none either.
  const handler: Parameters<typeof startEngine>[1]['handler'] = (record, attempt) => {
    meter.begin();
    return saver.save(record, attempt).then(finished);
  };
  await startEngine(job, { handler, inFlight, classify: classifySaveFailure });
  await meter.done;
};
