import { setTimeout as delay } from 'node:timers/promises';
import { pause, systemClock, type Clock } from '@orders-pipeline/clock';

const POLL_MS = 200;

/**
 * Waits until a question has an answer.
 * @param what a function if it depends on the last answers
 * @param ask returns `undefined` as long as there is none
 * @throws Error with what was waited for, after `withinMs`; or the abort reason of the signal
 */
export async function waitUntil<T>(
  what: string | (() => string),
  withinMs: number,
  signal: AbortSignal,
  ask: () => Promise<T | undefined>,
  pollMs = POLL_MS,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline)
      throw new Error(`${typeof what === 'string' ? what : what()}: not within ${withinMs / 1_000} s`);
    await delay(pollMs, undefined, { signal });
  }
}

/** Returns a promise that rejects with the signal's reason once it is aborted. For races: it needn't be awaited. */
export function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const fail = (): void => reject(signal.reason as Error);
  if (signal.aborted) fail();
  else signal.addEventListener('abort', fail, { once: true });
  // The race may be decided long before the abort: prevents an unhandled rejection.
  promise.catch(() => undefined);
  return promise;
}

/** Resolves after `milliseconds`, or as soon as the signal is aborted. */
export async function interruptiblePause(
  milliseconds: number,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  await pause(clock, milliseconds, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
