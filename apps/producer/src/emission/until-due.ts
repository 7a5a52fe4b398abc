import { setTimeout as sleep } from 'node:timers/promises';

/** Waits, unless the signal comes first. */
export async function untilDue(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds === 0) return;
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
