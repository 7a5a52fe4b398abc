import { setTimeout as delay } from 'node:timers/promises';

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
