import type { Contender } from './contender.js';
import { startEngine } from './start-engine.js';

export const contend: Contender<'engine-no-op'> = async (job, meter) => {
  const { fetch, inFlight, client } = job.parameters;
  const handler = async (): Promise<void> => {
    meter.begin();
    meter.finished();
  };
  await startEngine(job, { handler, inFlight }, fetch, client);
  await meter.done;
};
