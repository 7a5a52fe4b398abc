import { saveDelayMs } from '#orders/consumer/simulated-save.js';
import { murmur3 } from '#orders/generator/seeded-random.js';
import { pause, systemClock } from '@orders-pipeline/clock';
import { simulatedDelay, type Delay } from '../../apps/consumer/src/simulated-delay.js';
import type { SaveMs } from './job.js';

const SEED = 20_261_124;
const TWO_32 = 2 ** 32;

/** Returns the same random numbers in every run; they do not depend on the record. */
function seededDraws(): () => number {
  let draws = 0;
  return () => {
    draws += 1;
    return murmur3(SEED, draws, 0, 0, 0) / TWO_32;
  };
}

/** The consumer app's simulated save time. */
export function seededDelay(saveMs: SaveMs): Delay {
  return simulatedDelay(saveMs, seededDraws(), systemClock);
}

/** The same for contenders without the consumer app's save. Waits that end in the same millisecond share a promise. */
export function simulatedWait(saveMs: SaveMs): () => Promise<void> {
  const draw = seededDraws();
  const ends = new Map<number, Promise<void>>();
  return async () => {
    if (saveMs.maximum === 0) return;
    const now = systemClock.now();
    const end = now + saveDelayMs(saveMs, draw());
    const known = ends.get(end);
    if (known !== undefined) return known;
    const wait = pause(systemClock, end - now);
    ends.set(end, wait);
    void wait.then(() => ends.delete(end));
    return wait;
  };
}
