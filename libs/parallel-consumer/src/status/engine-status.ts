import type { SuspensionCause } from '../attempts/circuit-breaker.js';
import type { TaskRunner } from '../attempts/task-runner.js';
import type { BrokerFailure, BrokerHealth } from '../broker/broker.js';
import { findInFlightBound } from './in-flight-bound.js';
import type { State } from './lifecycle.js';
import type { Assignment } from '../partition/assignment-and-tasks.js';
import type { OldestRecord, ParallelConsumerStatus, PartitionStatus } from './status.js';
import type { WindowFiller } from '../buffering/window-filler.js';
import type { PauseScope } from '../window/pauses.js';
import type { Scheduler } from '../window/scheduler.js';

/** After this long without a response the coordinator counts as unavailable. Heartbeats are 1 s apart. */
const CONTACT_TIMEOUT_MS = 5_000;
/** Fetches that fail for less than this are not reported: a leader change takes some seconds. */
const FETCH_TIMEOUT_MS = 15_000;
const WHY_SUSPENDED: Record<SuspensionCause, string> = {
  environment: 'a dependency of the handler is unavailable',
  'poison-storm': 'mass failure: more than the allowed share of records failed permanently',
};

export interface EngineParts {
  readonly state: State;
  readonly health: BrokerHealth;
  readonly scheduler: Scheduler;
  readonly runner: TaskRunner;
  readonly filler: WindowFiller;
  /** Why the consumer is not ready: a topic is missing. */
  readonly missingTopic: string | undefined;
  readonly paused: readonly PauseScope[];
  readonly ratePerSecond: number;
  readonly assignments: readonly Assignment[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function collectStatus(parts: EngineParts): ParallelConsumerStatus {
  const { state, scheduler, runner, filler, ratePerSecond, now } = parts;
  const partitions = parts.assignments.map((assignment) => partitionStatus(assignment, now));
  const lag = partitions.reduce((sum, partition) => sum + partition.lag, 0);
  const unfinished = scheduler.taken + parts.assignments.reduce((sum, assignment) => sum + unread(assignment), 0);
  const notReadyBecause = reasonNotReady(parts, partitions);
  return {
    state,
    paused: parts.paused,
    joined: parts.health.joined,
    ready: notReadyBecause === undefined,
    notReadyBecause,
    suspendedSince: runner.suspension.since,
    suspendedBecause: runner.suspension.cause,
    inFlight: scheduler.running,
    inFlightLimit: scheduler.inFlightLimit,
    inFlightBound: findInFlightBound({
      scheduler,
      filler,
      assignments: parts.assignments,
      isSuspended: runner.suspension.since !== undefined,
      isPaused: state !== 'running' || runner.isDraining || parts.paused.some(isOfAll),
    }),
    taken: scheduler.taken,
    takenBytes: scheduler.bytes,
    ...runner.counts,
    skippedAsCompleted: filler.skippedAsCompleted,
    ratePerSecond,
    secondsToDrain: unfinished === 0 ? 0 : ratePerSecond > 0 ? unfinished / ratePerSecond : undefined,
    partitions,
    lag,
    unfinished,
  };
}

function isOfAll({ topic, key }: PauseScope): boolean {
  return topic === undefined && key === undefined;
}

function reasonNotReady(
  { state, health, runner, missingTopic, assignments, now }: EngineParts,
  partitions: readonly PartitionStatus[],
): string | undefined {
  const isJoining = state === 'starting' || (state === 'running' && !health.joined);
  if (isJoining && health.joinFailure !== undefined) return `joining the consumer group fails: ${health.joinFailure}`;
  if (state !== 'running') return `the consumer is ${state}`;
  if (!health.joined) return 'not a member of the consumer group';
  if (now - health.lastContactAt >= CONTACT_TIMEOUT_MS)
    return `no response from the group coordinator since ${utc(health.lastContactAt)}`;
  if (runner.suspension.since !== undefined)
    return `suspended since ${utc(runner.suspension.since)}: ${WHY_SUSPENDED[runner.suspension.cause ?? 'environment']}`;
  const { failure } = runner.deadLetters;
  if (failure !== undefined) return describeFailure('dead letters could not be published to', failure);
  if (missingTopic !== undefined) return missingTopic;
  const { fetchFailure } = health;
  if (fetchFailure !== undefined && now - fetchFailure.since >= FETCH_TIMEOUT_MS)
    return describeFailure('nothing could be fetched from', fetchFailure);
  const unknown = assignments.find(({ begun, requestedSince }) => !begun && now - requestedSince >= FETCH_TIMEOUT_MS);
  if (unknown !== undefined)
    return `the committed offset of partition ${unknown.partition} could not be read since ${utc(unknown.requestedSince)}`;
  if (assignments.length > 0 && assignments.every(({ begun }) => !begun)) return 'the committed offsets are being read';
  const stopped = partitions.flatMap(({ partition, stopped: why }) =>
    why === undefined ? [] : [`partition ${partition} is stopped (${why.reason}): ${why.message}`],
  );
  return stopped.length === 0 ? undefined : stopped.join('; ');
}

function describeFailure(what: string, { topic, since, reason }: BrokerFailure): string {
  return `${what} ${topic} since ${utc(since)}: ${reason}`;
}

/** Formats a time for people: `2026-01-31 12:00:05 UTC`. */
function utc(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Offsets that the window has not reached yet. */
function unread({ highWatermark, tracker }: Assignment): number {
  return Math.max(0, highWatermark - tracker.next);
}

function partitionStatus(assignment: Assignment, now: number): PartitionStatus {
  const { topic, partition, tracker, highWatermark, lastStableOffset, lastTimestamp, stopped } = assignment;
  const { committable, oldest } = tracker;
  const lag = Math.max(0, highWatermark - committable);
  const readableLag = Math.max(0, lastStableOffset - committable);
  // An unfinished record that is not read yet is at most as old as the last one that was read.
  const since = oldest?.record.timestamp ?? (lag === 0 ? now : lastTimestamp);
  const lagSeconds = since === undefined ? undefined : Math.max(0, now - since) / 1_000;
  const oldestRecord = toOldestRecord(assignment, now);
  return { topic, partition, committable, lag, readableLag, lagSeconds, oldestRecord, stopped };
}

function toOldestRecord({ tracker }: Assignment, now: number): OldestRecord | undefined {
  const { oldest } = tracker;
  if (oldest === undefined) return undefined;
  const { offset, key } = oldest.record;
  return { offset, key: key?.toString() ?? null, ageMs: now - oldest.takenAt, attempt: oldest.failedAttempts + 1 };
}
