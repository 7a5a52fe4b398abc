import type { Assignment } from '../assignment.js';

/** A partition that has a record to take, and when that was written, in ms since 1970. */
export interface Candidate {
  readonly assignment: Assignment;
  readonly timestamp: number;
}

/** One run in so many goes by turns, whatever the timestamps say. */
const BY_TURNS_EVERY = 4;

/**
 * Chooses the partition to take from: the one that is furthest behind by its next record's timestamp, so that all partitions
 * of a backlog advance together. Drained unevenly, what is being saved spreads over the whole range of the database's indexes.
 *
 * Any producer chooses the timestamps of its records. One that is missing, or in the future, counts as now; and every fourth
 * run goes to the partition that has waited longest, so that no timestamps can keep the others from being drained.
 */
export function nextToDrain(candidates: Iterable<Candidate>, now: number, run: number): Assignment | undefined {
  const isByTurns = run % BY_TURNS_EVERY === 0;
  let chosen: Assignment | undefined;
  let oldest = 0;
  for (const { assignment, timestamp } of candidates) {
    const writtenAt = isByTurns || timestamp <= 0 ? now : Math.min(timestamp, now);
    const isOlder = writtenAt < oldest || (writtenAt === oldest && assignment.lastRun < (chosen?.lastRun ?? 0));
    if (chosen !== undefined && !isOlder) continue;
    chosen = assignment;
    oldest = writtenAt;
  }
  return chosen;
}
