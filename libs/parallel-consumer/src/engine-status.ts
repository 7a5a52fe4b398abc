import type { TaskRunner } from './attempts/task-runner.js';
import type { BrokerHealth } from './kafka/broker.js';
import type { State } from './lifecycle.js';
import type { Assignment } from './assignment.js';
import type { FrontierHolder, ParallelConsumerStatus, PartitionStatus } from './status.js';
import type { Intake } from './window/intake.js';
import type { Scheduler } from './window/scheduler.js';

/** Without a sign of life of the group for so long a member isn't ready, whatever it believes. */
const CONTACT_TIMEOUT_MS = 15_000;

export interface EngineParts {
  readonly state: State;
  readonly health: BrokerHealth;
  readonly scheduler: Scheduler;
  readonly runner: TaskRunner;
  readonly intake: Intake;
  readonly ratePerSecond: number;
  readonly assignments: readonly Assignment[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function statusOf(parts: EngineParts): ParallelConsumerStatus {
  const { state, scheduler, runner, intake, ratePerSecond, now } = parts;
  const partitions = parts.assignments.map((assignment) => partitionStatus(assignment, now));
  const lag = partitions.reduce((sum, partition) => sum + partition.lag, 0);
  const notReadyBecause = reasonNotReady(parts, partitions);
  return {
    state,
    ready: notReadyBecause === undefined,
    notReadyBecause,
    suspendedSince: runner.suspendedSince,
    inFlight: scheduler.running,
    inFlightLimit: scheduler.inFlightLimit,
    taken: scheduler.taken,
    takenBytes: scheduler.bytes,
    ...runner.counts,
    spared: intake.spared,
    ratePerSecond,
    secondsToDrain: lag === 0 ? 0 : ratePerSecond > 0 ? lag / ratePerSecond : undefined,
    partitions,
    lag,
  };
}

function reasonNotReady(
  { state, health, runner, now }: EngineParts,
  partitions: readonly PartitionStatus[],
): string | undefined {
  if (state !== 'running') return `it is ${state}`;
  if (!health.joined) return 'not in the consumer group';
  if (now - health.lastContactAt >= CONTACT_TIMEOUT_MS)
    return `no sign of life of the consumer group since ${new Date(health.lastContactAt).toISOString()}`;
  if (runner.suspendedSince !== undefined)
    return `takes nothing since ${new Date(runner.suspendedSince).toISOString()}: what it needs is away`;
  const stopped = partitions.filter(({ deleted }) => deleted !== undefined).map(({ partition }) => partition);
  if (stopped.length > 0) return `records of partition ${stopped.join(', ')} were deleted before they were read`;
  return undefined;
}

function partitionStatus(assignment: Assignment, now: number): PartitionStatus {
  const { topic, partition, frontier, highWatermark, lastTimestamp, deleted } = assignment;
  const { committable, oldest } = frontier;
  const lag = Math.max(0, highWatermark - committable);
  // Not read yet, the oldest unfinished record is at most as old as the last one that was read.
  const since = oldest?.record.timestamp ?? (lag === 0 ? now : lastTimestamp);
  const lagSeconds = since === undefined ? undefined : Math.max(0, now - since) / 1_000;
  return { topic, partition, committable, lag, lagSeconds, holder: holderOf(assignment, now), deleted };
}

function holderOf({ frontier }: Assignment, now: number): FrontierHolder | undefined {
  const { oldest } = frontier;
  if (oldest === undefined) return undefined;
  const { offset, key } = oldest.record;
  return { offset, key: key?.toString() ?? null, ageMs: now - oldest.takenAt, attempt: oldest.failedAttempts + 1 };
}
