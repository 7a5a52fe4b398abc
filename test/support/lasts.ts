// oxlint-disable-next-line no-restricted-imports -- the time is the subject: it must pass, however soon the product reacts.
import { setTimeout as delay } from 'node:timers/promises';

/** Lets a fault or an observation last for its time. A case awaits the consequences of a fault as events, never by this. */
export async function lasts(milliseconds: number): Promise<void> {
  await delay(milliseconds);
}
