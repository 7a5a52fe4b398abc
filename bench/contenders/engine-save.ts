import { classifySaveFailure } from '../../apps/consumer/src/save-failure.js';
import { connectSave } from './connect-save.js';
import type { Contender } from './contender.js';
import { orderSaver } from './order-saver.js';
import { startEngine } from './start-engine.js';

export const contend: Contender<'engine-save'> = async (job, meter) => {
  const { inFlight, saveMs } = job.parameters;
  const saver = orderSaver(await connectSave(job), saveMs);
  const handler: Parameters<typeof startEngine>[1]['handler'] = async (record, attempt) => {
    meter.begin();
    await saver.save(record, attempt);
    meter.finished();
  };
  await startEngine(job, { handler, inFlight, classify: classifySaveFailure });
  await meter.done;
};
