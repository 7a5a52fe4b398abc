/**
 * - `ready`: saves, or waits for orders
 * - `idle`: ready, but without a partition
 * - `starting`, `draining`: begins or ends its work
 * - `rebalancing`: waits for the consumer group to assign its partitions
 * - `waiting`: can not work, for the reason in its heartbeat
 * - `silent`: sends no heartbeats; whether it died is not known yet
 * - `dead`: missed its heartbeats, or a new process has its name
 */
export const CONSUMER_STATES = [
  'ready',
  'idle',
  'starting',
  'draining',
  'rebalancing',
  'waiting',
  'silent',
  'dead',
] as const;

export type ConsumerState = (typeof CONSUMER_STATES)[number];

/** Returns whether the consumer runs and sends heartbeats. */
export function isAlive({ state }: { readonly state: ConsumerState }): boolean {
  return state !== 'silent' && state !== 'dead';
}
