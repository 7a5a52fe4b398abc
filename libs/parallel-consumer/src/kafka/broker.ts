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
  /** The log lost its end: `end` is below the position, and records from there on are others, if there are any. */
  | { readonly type: 'truncated'; readonly end: number }
  /** The topic was deleted and created again: `logId` is another log, which begins at `earliest`. */
  | { readonly type: 'recreated'; readonly logId: string; readonly earliest: number };

export type ReadAnswer = FetchedBatch | LogProblem;

/** What the engine does when the group has something for it. Calls don't overlap. */
export interface BrokerListener {
  /**
   * The membership is settled.
   * @param kept whether this is still the member it was and no generation passed without it: nobody else can have worked on
   * its partitions meanwhile, and reads of those that it still has go on
   */
  assigned(partitions: readonly TopicPartition[], kept: boolean): void;
  /** The group is about to change, and the old membership still holds: let running work end and commit it. */
  rebalancing(): Promise<void>;
  /** The group went on without this member: others may have its partitions already. It joins anew by itself. */
  lost(error: unknown): void;
}

/** How well the membership is, for readiness. */
export interface BrokerHealth {
  /** In the group, and not between two generations. */
  readonly joined: boolean;
  /** Milliseconds since 1970 of the last sign of life from the group's coordinator. */
  readonly lastContactAt: number;
  /** Since when nothing could be fetched, in ms since 1970, as no leader answers or the topic is gone; `undefined` when all is well. */
  readonly failingSince?: number | undefined;
}

/**
 * All that the engine needs of Kafka. Two implementations pass one contract suite, which tests each sentence here: kafkajs's
 * connections to a real Kafka, and a fake in memory.
 */
export interface Broker {
  /** The topic that is read. */
  readonly topic: string;
  readonly health: BrokerHealth;

  /** How many partitions a topic has; 0 when there is no such topic. @throws when no broker answers */
  partitionCount(topic: string): Promise<number>;

  /**
   * Begins to join the group. Resolves before it is in: `listener.assigned` and `health.joined` say when it is. What goes
   * wrong after that is tried again without end.
   * @throws when no broker can be reached at all
   */
  start(listener: BrokerListener): Promise<void>;

  /** Asks the group's coordinator. @throws when it doesn't answer */
  committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]>;

  /**
   * Reads on at a position: one answer for each call, one call at a time for each partition.
   *
   * - Records are those that read_committed allows, exactly: none of a transaction that is open or was aborted.
   * - A batch without records (markers, aborted or compacted records) is answered too, so that the position passes it.
   * - Waits until there is something. Brokers that are away, and leaders that move, are tried again without end.
   * - What was truncated, deleted or created again is answered as a problem, never passed over.
   * @returns undefined once the partition is no longer assigned as it was when this was called, or after `stop`
   */
  read(position: ReadPosition): Promise<ReadAnswer | undefined>;

  /**
   * Under the current membership, once; an older generation's is refused. While `listener.rebalancing` runs, and for as long
   * as the group's rebalance timeout, the session is kept alive and commits still count.
   * @throws MetadataRefusedError, or anything else when it isn't certain that the offsets were committed
   */
  commit(positions: readonly Position[]): Promise<void>;

  /** Resolves once all in-sync replicas have all records. @throws when that isn't certain, or can't be */
  publish(topic: string, records: readonly OutgoingRecord[]): Promise<void>;

  /**
   * Leaves the group and closes all connections; commits nothing. Called while `start` or a join is under way, it leaves no
   * member behind either. Calling it again is harmless.
   */
  stop(): Promise<void>;
}

/** The broker takes no metadata of this size with a commit (`offset.metadata.max.bytes`); the offsets alone may pass. */
export class MetadataRefusedError extends Error {
  override readonly name = 'MetadataRefusedError';
  readonly code = 'metadata-refused';
}
