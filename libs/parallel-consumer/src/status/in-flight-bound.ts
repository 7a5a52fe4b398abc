import type { WindowFiller } from '../buffering/window-filler.js';
import type { Assignment } from '../partition/assignment-and-tasks.js';
import type { Scheduler } from '../window/scheduler.js';

/**
 * What bounds the number of records in flight now.
 * - `limit`: the in-flight limit is reached, perhaps by abandoned attempts that still run.
 * - `keys`, `partitions`: enough records are in memory, but they wait for earlier records of their key (`ordering: 'key'`) or of their
 *   partition (`ordering: 'partition'`).
 * - `retries`: enough records are in memory, but they wait for their next attempt.
 * - `buffer`: `maxBuffered` or `maxBytes` is reached.
 * - `uncommitted-offsets`: `maxUncommittedOffsets` is reached on a partition.
 * - `fetch`: the next records are on their way from Kafka.
 * - `records`: all records of the assigned partitions are in memory.
 * - `suspended`: a dependency is unavailable, or a mass failure of records.
 * - `paused`: the consumer starts, rebalances or stops, or enough records are in memory, but they are paused.
 */
export type InFlightBound =
  | 'limit'
  | 'keys'
  | 'partitions'
  | 'retries'
  | 'buffer'
  | 'uncommitted-offsets'
  | 'fetch'
  | 'records'
  | 'suspended'
  | 'paused';

/** All bounds, for metrics. */
export const IN_FLIGHT_BOUNDS: readonly InFlightBound[] = [
  'limit',
  'keys',
  'partitions',
  'retries',
  'buffer',
  'uncommitted-offsets',
  'fetch',
  'records',
  'suspended',
  'paused',
];

/** The parts of the engine that can bound the records in flight. */
export interface BoundingParts {
  readonly scheduler: Scheduler;
  readonly filler: WindowFiller;
  readonly assignments: readonly Assignment[];
  /** Whether the circuit breaker is open. */
  readonly isSuspended: boolean;
  /** Whether the consumer starts no attempts because it starts, rebalances or stops. */
  readonly isPaused: boolean;
}

export function findInFlightBound({
  scheduler,
  filler,
  assignments,
  isSuspended,
  isPaused,
}: BoundingParts): InFlightBound {
  const { running, inFlightLimit, isLimitReached, waitingInOrder, waitingForRetry, waitingForResume } = scheduler;
  if (isPaused) return 'paused';
  if (isLimitReached) return 'limit';
  if (isSuspended) return 'suspended';
  const inMemory = running + waitingInOrder + waitingForRetry + waitingForResume;
  if (waitingForResume > 0 && (inMemory >= inFlightLimit || running === 0)) return 'paused';
  // With other keys, the records in memory would fill the limit.
  if (inMemory >= inFlightLimit)
    return waitingForRetry > waitingInOrder ? 'retries' : scheduler.ordering === 'partition' ? 'partitions' : 'keys';
  const untaken = assignments.filter(({ buffer }) => buffer.current !== undefined);
  if (untaken.some((assignment) => filler.isAtUncommittedLimit(assignment))) return 'uncommitted-offsets';
  if (untaken.some((assignment) => !scheduler.hasShare(assignment))) return 'buffer';
  if (untaken.length > 0 || assignments.some(hasUnfetched)) return 'fetch';
  return 'records';
}

function hasUnfetched({ begun, stopped, lastStableOffset, nextRead }: Assignment): boolean {
  return stopped === undefined && (!begun || nextRead < lastStableOffset);
}
