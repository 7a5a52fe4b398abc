import { setTimeout as delay } from 'node:timers/promises';

const CHECK_MS = 100;

/** Resolves once the condition holds. Throws with `what` if it doesn't hold within `withinMs` milliseconds. */
export async function eventually(
  what: string,
  withinMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await delay(CHECK_MS);
  }
}
