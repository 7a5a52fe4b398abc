import type { Collection, Db } from 'mongodb';
import { timeLimit } from '../time-limit.js';

/** The oldest record that a consumer has taken from a partition and not finished. It blocks the commit of the partition. */
export interface OldestRecord {
  readonly offset: number;
  /** The record's key; `null` for a record of another producer, whose key can be no account. */
  readonly accountId: string | null;
  /** Seconds since the consumer took it. */
  readonly takenSeconds: number;
  /** The number of the current or next attempt, from 1. */
  readonly attempt: number;
}

/** The state of a partition, reported by the consumer that owns it. */
export interface HeartbeatPartition {
  readonly partition: number;
  /** The offset that is, or is about to be, committed. */
  readonly committable: number;
  /** Unfinished records, as of the last fetch. */
  readonly lagRecords: number;
  /** Age of the oldest unfinished record, in seconds; `null` if that record has not been read yet. */
  readonly lagSeconds: number | null;
  /** `null` if it has taken none. Absent: written by a version before it was reported. */
  readonly oldest?: OldestRecord | null;
}

/**
 * - `ready`: saves, or waits for orders
 * - `idle`: ready, but without a partition
 * - `starting`, `draining`: begins or ends its work
 * - `rebalancing`: waits for the consumer group to assign its partitions
 * - `waiting`: can not work, for the reason in `notReadyBecause`
 */
export const REPORTED_STATES = ['ready', 'idle', 'starting', 'draining', 'rebalancing', 'waiting'] as const;

export type ReportedState = (typeof REPORTED_STATES)[number];

/**
 * The state that each consumer writes once a second. Readers must compare `at` with MongoDB's clock: a dead consumer stops
 * writing, and its last heartbeat is then out of date.
 */
export interface ConsumerHeartbeat {
  /** A UUID, unique to this process. */
  readonly _id: string;
  /** Display name, such as `consumer-2`. */
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: Date;
  /** By MongoDB's clock. */
  readonly at: Date;
  /** Absent: written by a version before it was reported. */
  readonly state?: ReportedState;
  /** Why the consumer is not ready, as text; `null` if it is ready. */
  readonly notReadyBecause: string | null;
  readonly partitions: readonly HeartbeatPartition[];
  readonly inFlight: number;
  readonly inFlightLimit: number;
  /** The configured limit; with `auto` the consumer adapts the limit itself. */
  readonly inFlightSet: number | 'auto';
  /** Orders finished per second, averaged over about the last ten seconds. */
  readonly ratePerSecond: number;
  /** Counts since the start of the process; they never decrease. */
  readonly finished: number;
  readonly deadLettered: number;
  readonly rebalances: number;
  /** User and system CPU time since the start of the process. */
  readonly cpuSeconds: number;
  /** Fraction of the machine's CPU time in use since the previous heartbeat, by all processes: 0 to 1. */
  readonly machineLoad: number;
}

export const HEARTBEAT_EVERY_MS = 1_000;
/** A consumer is considered gone after three missed heartbeats. */
export const GONE_AFTER_MS = timeLimit(4 * HEARTBEAT_EVERY_MS);

export function consumersCollection(db: Db): Collection<ConsumerHeartbeat> {
  return db.collection<ConsumerHeartbeat>('consumers');
}

/** The runtime override of each consumer's in-flight limit. Consumers poll it once a second, with their heartbeat. */
export interface InFlightOverrideDocument {
  readonly _id: 'in-flight';
  readonly limit: number | 'auto';
  /** By MongoDB's clock. */
  readonly at: Date;
}

/** The highest limit that a consumer's memory is sized for, whatever limit it was started with. */
export const MAX_IN_FLIGHT_OVERRIDE = 10_000;

function inFlightOverridesCollection(db: Db): Collection<InFlightOverrideDocument> {
  return db.collection<InFlightOverrideDocument>('consumerWishes');
}

/**
 * Finds the current override.
 * @param since ignores overrides that were set before
 * @returns `null` if there is no override
 */
export async function findInFlightOverride(
  db: Db,
  since: Date = new Date(0),
): Promise<InFlightOverrideDocument | null> {
  return inFlightOverridesCollection(db).findOne({ _id: 'in-flight', at: { $gte: since } });
}

/**
 * Sets or removes the override.
 * @param limit `null` resets each consumer to its configured limit
 */
export async function setInFlightOverride(db: Db, limit: InFlightOverrideDocument['limit'] | null): Promise<void> {
  const overrides = inFlightOverridesCollection(db);
  if (limit === null) await overrides.deleteOne({ _id: 'in-flight' });
  else
    await overrides.updateOne({ _id: 'in-flight' }, { $set: { limit }, $currentDate: { at: true } }, { upsert: true });
}

/**
 * Puts back an override as it was, with its time: consumers ignore one from before their stack was started.
 * @param set the limit that has replaced it; an override with another limit is left as it is, since it was set meanwhile
 * @param before `null`: there was none
 */
export async function restoreInFlightOverride(
  db: Db,
  set: InFlightOverrideDocument['limit'],
  before: InFlightOverrideDocument | null,
): Promise<void> {
  const overrides = inFlightOverridesCollection(db);
  if (before === null) await overrides.deleteOne({ _id: 'in-flight', limit: set });
  else await overrides.replaceOne({ _id: 'in-flight', limit: set }, before);
}
