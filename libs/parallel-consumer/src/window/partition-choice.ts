import type { Assignment } from '../partition/assignment-and-tasks.js';

/** A partition that has a record to take, and the timestamp of that record, in ms since 1970. */
export interface Candidate {
  readonly assignment: Assignment;
  readonly timestamp: number;
}

/** Every n-th run ignores the timestamps and goes to the partition that has waited longest. */
const ROUND_ROBIN_EVERY = 4;

/**
 * Chooses the partition to take records from: the one whose next record has the oldest timestamp, so that all partitions of a
 * backlog advance together. If some partitions were ahead, the writes would spread over the whole range of the database's indexes.
 *
 * Producers can choose any timestamp. A missing or future timestamp therefore counts as now, and every fourth run goes to the
 * partition that has waited longest. No timestamps can starve the other partitions.
 * @param run number of this run, counted over all partitions
 */
export function choosePartition(candidates: Iterable<Candidate>, now: number, run: number): Assignment | undefined {
  const isRoundRobin = run % ROUND_ROBIN_EVERY === 0;
  let chosen: Assignment | undefined;
  let oldest = 0;
  for (const { assignment, timestamp } of candidates) {
    const writtenAt = isRoundRobin || timestamp <= 0 ? now : Math.min(timestamp, now);
    const isOlder = writtenAt < oldest || (writtenAt === oldest && assignment.lastRun < (chosen?.lastRun ?? 0));
    if (chosen !== undefined && !isOlder) continue;
    chosen = assignment;
    oldest = writtenAt;
  }
  return chosen;
}
