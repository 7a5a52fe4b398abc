import type { ConsumedRecord, OutgoingRecord, Position } from '../record.js';
import type { EpochStart } from '../records/batch-extent.js';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** What the group has committed for a partition. */
export interface CommittedPosition extends TopicPartition {
  /** `undefined`: nothing yet. */
  readonly offset: number | undefined;
  /** Where reading begins: at the committed offset, or at the first one that the partition has. */
  readonly from: number;
  /** Leader epoch that was committed with the offset. */
  readonly leaderEpoch: number | undefined;
  /** What was committed with it; empty where nothing was. */
  readonly metadata: string;
  /** Identifies the log as it is now: 32 hexadecimal digits. A topic that is deleted and created again has another. */
  readonly logId: string;
}

/** Where to read on, and in which log. */
export interface ReadPosition extends TopicPartition {
  readonly offset: number;
  readonly logId: string;
  /** Leader epoch of the record before the offset; `undefined` when unknown, and then a log that diverged isn't noticed. */
  readonly leaderEpoch: number | undefined;
}

/** Records of one partition, as one fetch brought them, in ascending offset order; none where it held only markers or the like. */
export interface FetchedBatch extends TopicPartition {
  readonly type: 'records';
  /** To be gone through once. Throws UnreadableRecordsError where the log holds a batch that can't be read. */
  readonly records: Iterator<ConsumedRecord, undefined>;
  /** The offset that was asked for. */
  readonly fetchOffset: number;
  /** The last offset that the fetch covered: beyond the last record where markers, aborted or compacted records follow. */
  readonly lastOffset: number;
  /** One past the last record that the partition holds. */
  readonly highWatermark: number;
  /** Leader epochs of the records, each with the first offset that it is that of. */
  readonly epochs: readonly EpochStart[];
}

/** Why nothing can be read at a position. */
export type LogProblem =
  /** The records from the position up to `earliest` were deleted. */
  | { readonly type: 'deleted'; readonly earliest: number }
  /**
   * The log lost records before the position. It has those up to `end` in common with the log that was read, as far as they were
   * written under `epoch` or an earlier one; `epoch` is undefined when only the end of the log is known.
   */
  | { readonly type: 'truncated'; readonly end: number; readonly epoch: number | undefined }
  /** The topic was deleted and created again: `logId` is another log, which begins at `earliest`. */
  | { readonly type: 'recreated'; readonly logId: string; readonly earliest: number };

export type ReadAnswer = FetchedBatch | LogProblem;

/** What the engine does when the group has something for it. Calls don't overlap. */
export interface BrokerListener {
  /**
   * This member has joined a generation.
   * @param kept true when it is the same member and missed no generation: no other member can have worked on its partitions
   * in between, and open reads of those that it still has go on
   */
  assigned(partitions: readonly TopicPartition[], kept: boolean): void;
  /** A rebalance is due. Let running work end and commit it before this resolves: the old generation is valid until then. */
  rebalancing(): Promise<void>;
  /** The group expelled this member: others may own its partitions already. The broker rejoins by itself. */
  lost(error: unknown): void;
}

/** How well the membership is, for readiness. */
export interface BrokerHealth {
  /** True between joining a generation and the next rebalance. */
  readonly joined: boolean;
  /** When the group's coordinator answered last, in ms since 1970. */
  readonly lastContactAt: number;
  /** Since when a partition could not be fetched (its leader is away, its topic was deleted), in ms since 1970; else `undefined`. */
  readonly failingSince?: number | undefined;
}

/**
 * Everything that the engine needs of Kafka. Two implementations pass the contract suite, which tests each sentence here: a real
 * Kafka over kafkajs's connections, and a fake in memory.
 */
export interface Broker {
  /** The topic that this broker reads. */
  readonly topic: string;
  readonly health: BrokerHealth;

  /** Returns how many partitions a topic has; 0 when it does not exist. @throws when no node answers */
  partitionCount(topic: string): Promise<number>;

  /**
   * Connects and starts to join the group. Resolves before the join ends: `listener.assigned` and `health.joined` report that.
   * Later failures are retried without end.
   * @throws when no node can be reached
   */
  start(listener: BrokerListener): Promise<void>;

  /**
   * Returns the group's committed offsets, as its coordinator has them. Partitions whose first offset can't be learnt now are left out.
   * @throws when the coordinator doesn't answer
   */
  committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]>;

  /**
   * Reads a partition from a position: one answer per call, one open call per partition.
   *
   * - Isolation is exactly read_committed: no record of a transaction that is open or was aborted.
   * - A batch without records (markers, aborted or compacted records) is an answer too, so that the position passes it.
   * - Waits until there is something to read. Nodes that are away and leaders that move are retried without end.
   * - A log that was truncated, deleted from or recreated is answered as a problem; it is never skipped.
   * @returns undefined after `stop`, and once the partition was revoked, even if it is assigned again by then
   */
  read(position: ReadPosition): Promise<ReadAnswer | undefined>;

  /**
   * Commits once, under the current generation; the coordinator refuses an older one. While `listener.rebalancing` runs, heartbeats
   * keep the session alive and commits are valid, for at most the group's rebalance timeout.
   * @throws MetadataRefusedError, or another error when it isn't certain that the offsets were committed
   */
  commit(positions: readonly Position[]): Promise<void>;

  /** Resolves once all in-sync replicas have all records. @throws when that isn't certain, or can't be */
  publish(topic: string, records: readonly OutgoingRecord[]): Promise<void>;

  /**
   * Leaves the group and closes all connections. Commits nothing. Also when called during `start` or a join, no member stays in
   * the group. A second call does nothing.
   */
  stop(): Promise<void>;
}

/** The broker takes no metadata of this size with a commit (`offset.metadata.max.bytes`); the offsets alone may pass. */
export class MetadataRefusedError extends Error {
  override readonly name = 'MetadataRefusedError';
  readonly code = 'metadata-refused';
}
