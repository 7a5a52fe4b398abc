import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for the given time or until the signal aborts. */
export async function untilDue(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds === 0) return;
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
