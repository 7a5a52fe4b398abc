import type { StoppedPartition } from '../partition/stopped-partition.js';
import type { SuspensionCause } from '../attempts/circuit-breaker.js';
import type { PauseScope } from '../window/pauses.js';
import type { InFlightBound } from './in-flight-bound.js';
import type { State } from './lifecycle.js';

/** The oldest unfinished record of a partition, which blocks the partition's commit. */
export interface OldestRecord {
  readonly offset: number;
  /** As text; `null` for a record without a key. */
  readonly key: string | null;
  /** Milliseconds since the consumer took it into its window. */
  readonly ageMs: number;
  /** Number of the current or next attempt: 1 for the first. */
  readonly attempt: number;
}

/** The state of one assigned partition. */
export interface PartitionStatus {
  readonly topic: string;
  readonly partition: number;
  /** The offset to commit: that of the oldest unfinished record. */
  readonly committable: number;
  /** Offsets from `committable` to the end of the partition, as of the last fetch. Records beyond `committable` may be finished. */
  readonly lag: number;
  /** The part of the lag that can be read: records behind the beginning of an open transaction wait for its end. */
  readonly readableLag: number;
  /** Age of the oldest unfinished record by its timestamp, in seconds; `undefined` when no record has been taken yet. */
  readonly lagSeconds: number | undefined;
  readonly oldestRecord: OldestRecord | undefined;
  /** Why the consumer takes no more records from the partition; `undefined` during normal operation. */
  readonly stopped: StoppedPartition | undefined;
}

/** A snapshot of the engine's state, for metrics, progress and readiness. */
export interface ParallelConsumerStatus {
  readonly state: State;
  /** What `pause` was called for, and `resume` was not. */
  readonly paused: readonly PauseScope[];
  /** False before the first assignment, during a rebalance, and when the group has removed this member. */
  readonly joined: boolean;
  /**
   * True when the consumer is a running group member that has read its committed offsets, its coordinator and its dependencies respond, it
   * can fetch and publish dead letters, and no partition is stopped. If only some of the offsets are unknown, it still counts as ready for 15 s.
   */
  readonly ready: boolean;
  /** Human-readable reason why the consumer is not ready; `undefined` when it is ready. */
  readonly notReadyBecause: string | undefined;
  /** When the circuit breaker suspended the consumer, in ms since 1970; `undefined` when it is not suspended. */
  readonly suspendedSince: number | undefined;
  readonly suspendedBecause: SuspensionCause | undefined;
  readonly inFlight: number;
  readonly inFlightLimit: number;
  /** What bounds `inFlight` now: its limit, or one of the reasons why it stays below. */
  readonly inFlightBound: InFlightBound;
  /** Records in memory, in the handler or waiting. */
  readonly taken: number;
  readonly takenBytes: number;
  /** Counters since the start of the consumer; they never decrease. */
  readonly finished: number;
  readonly deadLettered: number;
  readonly retries: number;
  readonly abandoned: number;
  /** Records skipped after a crash because the commit metadata listed them as completed. */
  readonly skippedAsCompleted: number;
  /** Records finished per second, over about the last ten seconds. */
  readonly ratePerSecond: number;
  /** `unfinished / ratePerSecond`; `undefined` while no record finishes. */
  readonly secondsToDrain: number | undefined;
  readonly partitions: readonly PartitionStatus[];
  /** The sum of the lags of the assigned partitions. */
  readonly lag: number;
  /**
   * Records of the assigned partitions that are not finished, as of the last fetches. More may have arrived since: a partition whose
   * buffer is full is not fetched. Transaction markers and compacted records that are not read yet count as well.
   */
  readonly unfinished: number;
}
