import type { Contender } from './contender.js';
import { simulatedWait } from './simulated-wait.js';
import { startEngine } from './start-engine.js';

export const contend: Contender<'engine-wait'> = async (job, meter) => {
  const { inFlight, saveMs } = job.parameters;
  const wait = simulatedWait(saveMs);
  const handler = async (): Promise<void> => {
    meter.begin();
    await wait();
    meter.finished();
  };
  await startEngine(job, { handler, inFlight });
  await meter.done;
};
