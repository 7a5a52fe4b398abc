import type { StoppedPartition } from './offsets/stopped-partition.js';
import type { SuspensionCause } from './attempts/circuit-breaker.js';
import type { State } from './lifecycle.js';

/** How a drain ended, in records. `lost` is counted, not assumed: taken, but neither finished, nor handed over, nor here. */
export interface DrainReport {
  readonly finished: number;
  readonly handedOver: number;
  readonly lost: number;
}

export function drainInWords({ finished, handedOver, lost }: DrainReport): string {
  return `finished ${finished}, handed over ${handedOver}, lost ${lost}`;
}

/** The record that holds its partition's commit back: the oldest that isn't finished. */
export interface OldestRecord {
  readonly offset: number;
  /** As text; `null` for a record without a key. */
  readonly key: string | null;
  /** Milliseconds since it was taken from Kafka. */
  readonly ageMs: number;
  /** The attempt that runs or comes next: 1 for the first. */
  readonly attempt: number;
}

export interface PartitionStatus {
  readonly topic: string;
  readonly partition: number;
  /** What is or should be committed: the offset of the oldest unfinished record. */
  readonly committable: number;
  /** Unfinished records of the partition, as of the last fetch. */
  readonly lag: number;
  /** Age of the oldest unfinished record by its own timestamp, in seconds; `undefined` when it isn't read yet. */
  readonly lagSeconds: number | undefined;
  readonly oldestRecord: OldestRecord | undefined;
  /** Why nothing more is taken from it; `undefined` while all is well. */
  readonly stopped: StoppedPartition | undefined;
}

/** A look at the engine, for metrics, progress and readiness. */
export interface ParallelConsumerStatus {
  readonly state: State;
  /** In the group, in touch with it, the environment is there, and no partition is stopped. */
  readonly ready: boolean;
  /** What keeps it from being ready, in words; `undefined` when it is. */
  readonly notReadyBecause: string | undefined;
  /** Since when nothing is started, in ms since 1970; `undefined` when all is well. */
  readonly suspendedSince: number | undefined;
  readonly suspendedBecause: SuspensionCause | undefined;
  readonly inFlight: number;
  readonly inFlightLimit: number;
  readonly taken: number;
  readonly takenBytes: number;
  /** Counts since the start; they only rise. */
  readonly finished: number;
  readonly deadLettered: number;
  readonly retries: number;
  readonly abandoned: number;
  /** Records skipped after a crash because the commit's map had them as finished. */
  readonly skippedAsCompleted: number;
  /** Records finished per second, over the last ten seconds or so. */
  readonly ratePerSecond: number;
  /** `lag / ratePerSecond`; `undefined` while nothing finishes. */
  readonly secondsToDrain: number | undefined;
  readonly partitions: readonly PartitionStatus[];
  /** Records on the assigned partitions that aren't finished, as of the last fetches. */
  readonly lag: number;
}
