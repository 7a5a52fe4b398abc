import { murmur3 } from '#orders/generator/murmur3.js';
import { systemClock } from '@orders-pipeline/clock';
import { SimulatedDelay } from '../../apps/consumer/src/save/simulated-delay.js';
import type { SaveMs } from './job.js';

const SEED = 20_261_124;
const TWO_32 = 2 ** 32;

/** The consumer app's simulated save time, with the same random numbers in every run. */
export function simulatedDelay(saveMs: SaveMs): SimulatedDelay {
  let draws = 0;
  const random = (): number => {
    draws += 1;
    return murmur3(SEED, draws, 0, 0, 0) / TWO_32;
  };
  return new SimulatedDelay(saveMs, random, systemClock);
}

/** The same for contenders without the consumer app's save: the random numbers do not depend on the record. */
export function simulatedWait(saveMs: SaveMs): () => Promise<void> {
  const delay = simulatedDelay(saveMs);
  return async () => delay.wait({ headers: {} });
}
