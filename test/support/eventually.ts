import { setTimeout as delay } from 'node:timers/promises';

const CHECK_MS = 100;

/**
 * Resolves once the condition holds. A condition that doesn't hold can return what it found instead of `false`.
 * @throws Error with `what`, and what was found last, if it doesn't hold within `withinMs` milliseconds
 */
export async function eventually(
  what: string,
  withinMs: number,
  condition: () => boolean | object | Promise<boolean | object>,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (let found = await condition(); found !== true; found = await condition()) {
    if (Date.now() > deadline) {
      const last = found === false ? '' : `; found ${JSON.stringify(found)}`;
      throw new Error(`Not within ${withinMs} ms: ${what}${last}`);
    }
    await delay(CHECK_MS);
  }
}
