import type { Collection, Db } from 'mongodb';

/** A partition as the consumer that owns it sees it. */
export interface HeartbeatPartition {
  readonly partition: number;
  /** What is or should be committed. */
  readonly committable: number;
  /** Records that aren't finished, as of the last fetch. */
  readonly lagRecords: number;
  /** Age of the oldest unfinished record; `null` when it isn't read yet. */
  readonly lagSeconds: number | null;
}

/**
 * How a consumer makes itself known, once a second. Whoever reads it compares `at` with the server's own clock: a consumer that is gone
 * stops writing, and what it wrote last is no news of it.
 */
export interface ConsumerHeartbeat {
  /** Of this process alone, a UUID. */
  readonly _id: string;
  /** As people call it, such as `consumer-2`. */
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: Date;
  /** By MongoDB's clock. */
  readonly at: Date;
  /** What keeps it from working, in words; `null`: nothing. */
  readonly notReadyBecause: string | null;
  readonly partitions: readonly HeartbeatPartition[];
  readonly inFlight: number;
  readonly inFlightLimit: number;
  /** What it was set to: with `auto` the limit is searched for. */
  readonly inFlightSet: number | 'auto';
  /** Orders finished per second, over the last ten seconds or so. */
  readonly ratePerSecond: number;
  /** Counts since its start; they only rise. */
  readonly finished: number;
  readonly deadLettered: number;
  readonly rebalances: number;
  /** User and system time since its start. */
  readonly cpuSeconds: number;
  /** How much of its machine's cores was in use since the heartbeat before, by whatever runs there: 0 to 1. */
  readonly machineLoad: number;
}

export const HEARTBEAT_EVERY_MS = 1_000;
/** Three that are missing are no accident. */
export const GONE_AFTER_MS = 4 * HEARTBEAT_EVERY_MS;
/** Until then the last word of a consumer that has ended is kept. */
const KEPT_SECONDS = 3_600;

export function consumersCollection(db: Db): Collection<ConsumerHeartbeat> {
  return db.collection<ConsumerHeartbeat>('consumers');
}

export async function ensureConsumerIndexes(db: Db): Promise<void> {
  await consumersCollection(db).createIndexes([{ name: 'at', key: { at: 1 }, expireAfterSeconds: KEPT_SECONDS }]);
}
