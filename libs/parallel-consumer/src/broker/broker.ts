import type { ConsumedRecord, OutgoingRecord, Position } from '../records/record.js';
import type { EpochStart } from '../records/batch-extent.js';
import type { Decompression } from '../records/fetched-records.js';

/** Names a partition. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Returns the name of a partition, such as `orders-3`. Unique, as the number at its end has no `-`. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

/** The committed offset of a partition, and where to start reading. */
export interface CommittedPosition extends TopicPartition {
  /** `undefined` when the group has committed nothing yet. */
  readonly offset: number | undefined;
  /** Where to start reading: the committed offset, else the first offset of the partition. */
  readonly from: number;
  /** Leader epoch committed with the offset. */
  readonly leaderEpoch: number | undefined;
  /** Metadata committed with the offset; empty when there is none. */
  readonly metadata: string;
  /** The topic id, 32 hexadecimal digits. A topic that is deleted and created again has a new one. */
  readonly logId: string;
}

/** The position to read from, and the log it belongs to. */
export interface ReadPosition extends TopicPartition {
  readonly offset: number;
  readonly logId: string;
  /** Leader epoch of the record before the offset; `undefined` when unknown, and then a diverged log is not detected. */
  readonly leaderEpoch: number | undefined;
}

/** The records of one partition from one fetch, in ascending offset order; empty when the fetch had only markers or hidden records. */
export interface FetchedBatch extends TopicPartition {
  readonly type: 'records';
  /** Can be iterated once. Throws UnreadableRecordsError at a batch that cannot be read. */
  readonly records: Iterator<ConsumedRecord, undefined>;
  /** Of the records; omitted when they are never compressed. */
  readonly decompression?: Decompression;
  /** The requested offset. */
  readonly fetchOffset: number;
  /** The last offset covered by the fetch, including markers, aborted and compacted records after the last record. */
  readonly lastOffset: number;
  /** One past the last replicated record of the partition. */
  readonly highWatermark: number;
  /** One past the last record that can be read now: records from here on wait for the end of a transaction. */
  readonly lastStableOffset: number;
  /** Leader epochs of the records, each with its first offset. */
  readonly epochs: readonly EpochStart[];
}

/** Why a position cannot be read. */
export type LogProblem =
  /** Kafka deleted the records from the position up to `earliest`. */
  | { readonly type: 'deleted'; readonly earliest: number }
  /**
   * The log lost records before the position. It shares with the log that was read the records below `end` that were written under
   * `epoch` or an earlier epoch. `epoch` is undefined when only the end of the log is known.
   */
  | { readonly type: 'truncated'; readonly end: number; readonly epoch: number | undefined }
  /** The topic was deleted and created again: `logId` identifies the new log, which begins at `earliest`. */
  | { readonly type: 'recreated'; readonly logId: string; readonly earliest: number };

/** The answer to a read: records, or why there are none. */
export type ReadResult = FetchedBatch | LogProblem;

/** Receives the events of the consumer group. Calls do not overlap, except that `lost` may come while `rebalancing` or `surrendering` waits. */
export interface BrokerListener {
  /**
   * Called when this member has joined a generation.
   * @param kept true when the member kept its id and missed no generation: no other member can have worked on its partitions
   * in between, and pending reads of the partitions that it keeps continue
   * @param generation of the group; it grows as long as the group exists
   */
  assigned(partitions: readonly TopicPartition[], kept: boolean, generation: number): void;
  /** Called when a rebalance is due. Must finish and commit running work before it resolves: the old generation is valid until then. */
  rebalancing(): Promise<void>;
  /**
   * Called in a group that rebalances cooperatively, when other members will get some of this one's partitions, and instead of `rebalancing`.
   * Must finish and commit the running work of these partitions before it resolves. `assigned` with the others follows.
   */
  surrendering(partitions: readonly TopicPartition[]): Promise<void>;
  /**
   * Called when the group expelled this member, or its lease has ended without a word from the group: other members may own its partitions.
   * The broker rejoins on its own.
   */
  lost(error: unknown): void;
}

/** A failure that the broker is retrying. */
export interface BrokerFailure {
  readonly topic: string;
  /** When it began, in ms since 1970. */
  readonly since: number;
  /** A stable identifier, such as `UNKNOWN_TOPIC_OR_PARTITION`. */
  readonly code: string;
  readonly reason: string;
}

/** The state of the group membership and of the topics, for readiness checks. */
export interface BrokerHealth {
  /** True between joining a generation and the next rebalance. */
  readonly joined: boolean;
  /** Time of the group coordinator's last response, in ms since 1970. */
  readonly lastContactAt: number;
  /** Why the last attempt to join the group failed; `undefined` once it has joined. */
  readonly joinFailure?: string | undefined;
  /** The oldest persisting failure of a read (leader unavailable, topic deleted); `undefined` when none fails. */
  readonly fetchFailure?: BrokerFailure | undefined;
  /** The failures of publishes in progress (topic missing, leader unavailable), at most one for each topic. Default: none. */
  readonly publishFailures?: readonly BrokerFailure[];
}

/**
 * The engine's interface to Kafka. Three implementations pass the contract suite, which tests each sentence here: a real Kafka
 * over the connections of kafkajs and of `@platformatic/kafka`, and an in-memory fake.
 */
export interface Broker {
  /** The topics that this broker reads, at least one. */
  readonly topics: readonly string[];
  /** How long a rebalance waits for `listener.rebalancing`, in ms; then the group expels this member. Default: without limit. */
  readonly rebalanceTimeoutMs?: number | undefined;
  readonly health: BrokerHealth;
  /**
   * Until when records may be taken and attempts started, exclusive, in ms since 1970 by the broker's clock. It moves on with each answered
   * heartbeat, by the time when that was sent; without an answer, another member may soon own the partitions. `lost` follows at the
   * latest when the lease ends: one session timeout, less a margin, after the last answered heartbeat was sent.
   */
  readonly startsUntil: number;

  /** Returns the number of partitions of a topic; 0 when it does not exist. @throws when no node responds */
  partitionCount(topic: string): Promise<number>;

  /**
   * Connects and starts to join the group. Resolves before the join ends; `listener.assigned` and `health.joined` report the end.
   * Later failures are retried without limit.
   * @throws when no node is reachable
   */
  start(listener: BrokerListener): Promise<void>;

  /**
   * Returns the group's committed offsets from its coordinator. Omits partitions without a commit whose first offset is unavailable.
   * @throws when the coordinator does not respond
   */
  committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]>;

  /**
   * Reads a partition from a position: one result per call, one pending call per partition.
   *
   * - Isolation is exactly read_committed: no record of an open or aborted transaction.
   * - A batch without records (markers, aborted or compacted records) is also returned, so that the position moves past it.
   * - Waits until there is something to read. Retries without limit while nodes are unavailable and leaders move.
   * - Returns a problem when records were deleted or the log was truncated or recreated; never skips them.
   * @returns undefined after `stop`, and when the partition was revoked meanwhile, even if it is assigned again
   */
  read(position: ReadPosition): Promise<ReadResult | undefined>;

  /**
   * Commits once, under the current generation; the coordinator rejects an older one. While `listener.rebalancing` runs, heartbeats
   * keep the session alive and commits stay valid, for at most the group's rebalance timeout.
   * @throws MetadataRejectedError; PartitionsRejectedError when only some were committed; another error when none may have been
   */
  commit(positions: readonly Position[]): Promise<void>;

  /**
   * Resolves once all in-sync replicas have all records. Retries without limit while the topic or the partition is missing and while
   * nodes are unavailable; `health.publishFailures` has the reason meanwhile. A publish to another topic does not wait for it.
   * @throws when the records are rejected for good, or the broker is stopped before
   */
  publish(topic: string, records: readonly OutgoingRecord[]): Promise<void>;

  /**
   * Leaves the group and closes all connections. Commits nothing. Leaves no member in the group, even when called during `start` or
   * a join. A second call does nothing.
   */
  stop(): Promise<void>;
}

/** A partition whose offset the broker rejected. */
export interface RejectedPartition extends TopicPartition {
  /** Kafka's name of the error, such as `UNKNOWN_TOPIC_OR_PARTITION`. */
  readonly code: string;
}

/** The broker rejected the offsets of some partitions, such as those of a deleted topic. It committed the others. */
export class PartitionsRejectedError extends Error {
  override readonly name = 'PartitionsRejectedError';
  readonly code = 'partitions-refused';

  constructor(readonly rejected: readonly RejectedPartition[]) {
    super(`not committed: ${rejected.map((each) => `${partitionName(each)} (${each.code})`).join(', ')}`);
  }
}

/** The broker rejected the size of the commit metadata (`offset.metadata.max.bytes`). A commit without metadata may succeed. */
export class MetadataRejectedError extends Error {
  override readonly name = 'MetadataRejectedError';
  readonly code = 'metadata-refused';
}
