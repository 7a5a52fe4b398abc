import type { ReportedState } from '#orders/consumer/consumers.js';

/**
 * The states that consumers report in their heartbeats, and:
 * - `late`: its heartbeats stopped a moment ago; it may have died. Its last figures are shown.
 * - `silent`: sends no heartbeats; whether it died is not known, since they could not be read for some time
 * - `dead`: missed its heartbeats, or a new process has its name
 */
export type ConsumerState = ReportedState | 'late' | 'silent' | 'dead';

/** Returns whether the consumer runs, as far as is known: its figures are those of its last heartbeat. */
export function isAlive({ state }: { readonly state: ConsumerState }): boolean {
  return state !== 'silent' && state !== 'dead';
}
