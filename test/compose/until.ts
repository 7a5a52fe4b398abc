import { setTimeout as delay } from 'node:timers/promises';
import { ComposeTestError } from './compose-test-error.js';

const EVERY_MS = 250;

/**
 * Calls `probe` every 250 ms until it returns something other than undefined, and returns that. An error of `probe` counts as
 * "not yet". Throws `not-in-time` with the last error after `withinMs`; throws at once when `signal` aborts.
 */
export async function until<T>(
  what: string,
  withinMs: number,
  signal: AbortSignal,
  probe: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    let failure: unknown;
    try {
      const result = await probe();
      if (result !== undefined) return result;
    } catch (error) {
      failure = error;
    }
    signal.throwIfAborted();
    if (Date.now() > deadline) {
      const reason = failure instanceof Error ? ` (${failure.message})` : '';
      throw new ComposeTestError('not-in-time', `${what}: not within ${withinMs / 1000} s${reason}`, {
        cause: failure,
      });
    }
    await delay(EVERY_MS, undefined, { signal });
  }
}
