import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './contender.js';
import type { Meter } from './meter.js';
import { startEngine } from './start-engine.js';

export const contend: Contender<'engine-stalled-key'> = async (job, meter) => {
  const { inFlight, stalledKey, stillMs } = job.parameters;
  const stalled = Buffer.from(stalledKey);
  const never = new Promise<void>(() => undefined);
  const handler: Parameters<typeof startEngine>[1]['handler'] = async ({ key }) => {
    meter.begin();
    if (key?.equals(stalled)) await never;
    meter.finished();
  };
  await startEngine(job, { handler, inFlight });
  await Promise.race([meter.done, untilStalled(meter, stillMs)]);
};

/** Resolves when no record has completed for this time: all records that can complete have done so. */
async function untilStalled(meter: Meter, milliseconds: number): Promise<void> {
  for (let before = -1; before === 0 || before !== meter.finishedRecords;) {
    before = meter.finishedRecords;
    await sleep(milliseconds);
  }
}
