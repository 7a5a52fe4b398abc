import type { Positions } from '#orders/topic-positions.js';
import type { RecordPosition } from './record-position.js';

/**
 * Why something that was acknowledged is neither saved nor among the dead letters.
 * - `not-yet-saved`: it is in Kafka, and the consumers have not come past it: running work
 * - `not-yet-projected`: the consumers are past it, and it may be a dead letter that isn't carried into MongoDB yet: running work
 * - `never-acknowledged`: there is no acknowledgement of its chunk, though the operation counts it: a defect of the producer
 * - `committed-past`: the consumers are past it, and it was never saved as far as can be seen: a defect of the consumers
 * - `saved-then-gone`: it was saved, and is no more
 */
export type Blame = 'not-yet-saved' | 'not-yet-projected' | 'never-acknowledged' | 'committed-past' | 'saved-then-gone';

/** What was read from Kafka, before anything was read from MongoDB. */
export interface GroupPositions {
  /** What the group of the savers has committed. */
  readonly committed: Positions;
  /** Where the orders' topic ended, read after that. */
  readonly ends: Positions;
  /** The dead-letter topic had no letter then that isn't in MongoDB. */
  readonly lettersAreProjected: boolean;
}

/**
 * Whether a record that left no trace is still on its way.
 * @returns `undefined`: it isn't; that it was never saved must be looked for
 */
export function pendingBlame(
  position: RecordPosition,
  { committed, ends, lettersAreProjected }: GroupPositions,
): 'not-yet-saved' | 'not-yet-projected' | undefined {
  const done = committed.get(position.partition) ?? 0;
  // Somewhere before the end, when it isn't known where.
  const last = position.offset ?? (ends.get(position.partition) ?? 0) - 1;
  if (last >= done) return 'not-yet-saved';
  return lettersAreProjected ? undefined : 'not-yet-projected';
}
