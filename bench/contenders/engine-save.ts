import { classifySaveFailure } from '../../apps/consumer/src/order-saver.js';
import { connectSave } from './connect-save.js';
import type { Contender } from './contender.js';
import { meteredSaver } from './order-saver.js';
import { startEngine } from './start-engine.js';

export const contend: Contender<'engine-save'> = async (job, meter) => {
  const { inFlight, saveMs } = job.parameters;
  const { handler } = meteredSaver(await connectSave(job), saveMs, meter);
  await startEngine(job, { handler, inFlight, classify: classifySaveFailure });
  await meter.done;
};
