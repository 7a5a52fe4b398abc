import type { OrderScope } from '../partition/assignment-and-tasks.js';

/**
 * The processing order, and the maximum rate that it allows.
 *
 * - `unordered`: no order; any `inFlight` records run at once. Maximum rate: inFlight / mean handler time.
 * - `key` (the default): records of one key run one after another in offset order, also across retries. Records without a key
 *   are unordered. Maximum rate: min(inFlight, busy keys) / mean handler time. Not guaranteed: an order between keys; the
 *   position of a dead-lettered record, which leaves its key's order; the order of a key after an abandoned attempt, which may
 *   still be running.
 * - `partition`: records of one partition run one after another in offset order. Maximum rate: min(inFlight, partitions) / mean
 *   handler time. Not guaranteed: an order between partitions, and the same exceptions as for `key`.
 */
export type Ordering = 'unordered' | 'key' | 'partition';

/** Returns the scope within which a record keeps its order. */
export function scopeOf(ordering: Ordering, key: Buffer | null): OrderScope {
  if (ordering === 'key') return key === null ? 'nothing' : 'key';
  return ordering === 'partition' ? 'partition' : 'nothing';
}
