// oxlint-disable-next-line no-restricted-imports -- the only place that polls; every other wait goes through it, or ends by an event.
// oxlint-disable-next-line no-restricted-imports -- the time is the subject: it must pass, however soon the product reacts.
import { setTimeout as delay } from 'node:timers/promises';

const CHECK_MS = 100;
/** Only what never happens takes this long, on the slowest machine too: the limit of waits, and of the programs that a spec runs to their end. */
export const HANG_GUARD_MS = 15 * 60_000;

/**
 * Resolves once the condition holds, however long that takes. A condition that doesn't hold can return what it found instead of `false`.
 * @param everyMs the time between two checks
 * @throws Error with `what`, and what was found last, after 15 minutes: the condition will never hold
 */
export async function eventually(
  what: string,
  condition: () => boolean | object | Promise<boolean | object>,
  everyMs = CHECK_MS,
): Promise<void> {
  const hung = new AbortController();
  const guard = delay(HANG_GUARD_MS, undefined, { signal: hung.signal }).then(
    () => {
      throw new Error(`Not within ${HANG_GUARD_MS / 60_000} minutes: ${what}${foundLast}`);
    },
    () => undefined,
  );
  let foundLast = '';
  try {
    for (;;) {
      const found = await Promise.race([condition(), guard]);
      if (found === true || found === undefined) return;
      foundLast = found === false ? '' : `; found ${JSON.stringify(found)}`;
      await delay(everyMs);
    }
  } finally {
    hung.abort();
  }
}

/** Waits between two requests of a client that repeats them, or two readings of a watcher. @param signal ends the wait early, without an error */
export async function betweenTries(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** Lets a fault or an observation last for its time. A case awaits the consequences of a fault as events, never by this. */
export async function lasts(milliseconds: number): Promise<void> {
  await delay(milliseconds);
}

/** Ends the fetch of a tool that hangs: it holds the lock of the cache, for which other specs wait. */
export function fetchLimit(): AbortSignal {
  // oxlint-disable-next-line no-restricted-properties -- the only limit of this kind: no test depends on how long a fetch takes.
  return AbortSignal.timeout(HANG_GUARD_MS);
}
