import type { Positions } from '#orders/topics/positions.js';
import type { RecordPosition } from './record-position.js';

/**
 * Why an acknowledged record is neither saved nor dead-lettered.
 * - `not-yet-saved`: pending; it is in Kafka, and its offset is not committed yet
 * - `not-yet-projected`: pending; its offset is committed, and it may be a dead letter that is not projected into MongoDB yet
 * - `never-acknowledged`: a producer defect; its chunk has no acknowledgement, although the operation counts it
 * - `committed-past`: a consumer defect; its offset is committed, and there is no evidence that it was ever saved
 * - `saved-then-gone`: it was saved, and no longer exists
 */
export type MissingReason =
  | 'not-yet-saved'
  | 'not-yet-projected'
  | 'never-acknowledged'
  | 'committed-past'
  | 'saved-then-gone';

/** The positions that were read from Kafka, before anything was read from MongoDB. */
export interface GroupPositions {
  /** The committed offsets of the consumer group that saves orders. */
  readonly committed: Positions;
  /** The end offsets of the orders topic, read after `committed`. */
  readonly ends: Positions;
  /** Whether all letters on the dead-letter topic were projected into MongoDB at that time. */
  readonly lettersAreProjected: boolean;
}

/**
 * Returns why a record without a trace is still pending.
 * @returns `undefined` if it is not pending; the caller must then check whether it was ever saved
 */
export function pendingReason(
  position: RecordPosition,
  { committed, ends, lettersAreProjected }: GroupPositions,
): 'not-yet-saved' | 'not-yet-projected' | undefined {
  const done = committed.get(position.partition) ?? 0;
  // With an unknown offset, assume the last one of the partition.
  const last = position.offset ?? (ends.get(position.partition) ?? 0) - 1;
  if (last >= done) return 'not-yet-saved';
  return lettersAreProjected ? undefined : 'not-yet-projected';
}
