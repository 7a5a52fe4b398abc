import { backOffMs, pause } from '@orders-pipeline/clock';
import { connectionCode } from './connection-failure.js';
import type { RetryTiming } from './retry-timing.js';

const TRIES = 4;
const BACK_OFF = { initialMs: 200, maxMs: 2_000 };

/**
 * Runs work, up to four times within about 2 s if its connection fails.
 * @throws the error of the last try
 */
export async function withRetries<T>({ clock, random }: RetryTiming, work: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      if (connectionCode(error) === undefined || failures === TRIES) throw error;
      await pause(clock, backOffMs(BACK_OFF, failures, random));
    }
  }
}
