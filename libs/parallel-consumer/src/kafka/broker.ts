import type { ConsumedRecord, OutgoingRecord, Position } from '../record.js';

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
  /** What was committed with it; empty where nothing was. */
  readonly metadata: string;
}

/** Records of one partition, as one fetch brought them, in ascending offset order. */
export interface FetchedBatch extends TopicPartition {
  /** To be gone through once. */
  readonly records: Iterable<ConsumedRecord>;
  /** The offset that was asked for. */
  readonly fetchOffset: number;
  /** The last offset that the fetch covered: beyond the last record where markers or compacted records follow. */
  readonly lastOffset: number;
  /** One past the last record that the partition holds. */
  readonly highWatermark: number;
  /** Tells the group that this member lives. @throws when the group is rebalancing: let it pass through */
  heartbeat(): Promise<void>;
}

/** What the engine does when the group has something for it. Calls don't overlap, but for `fetched` of several brokers. */
export interface BrokerListener {
  /**
   * The membership is settled. Synchronous, since the first fetch follows at once.
   * @param kept whether this is still the member it was: partitions it had are then as it left them
   * Every partition is fetched from its committed offset on, also one that the engine goes on with: it skips what it has.
   */
  assigned(partitions: readonly TopicPartition[], kept: boolean): void;
  /** @returns the offset to fetch next, after a rest, when the engine didn't take all of it; else nothing */
  fetched(batch: FetchedBatch): Promise<number | undefined>;
  /** The fetches brought nothing but markers, aborted or compacted records from one offset up to, but not including, another. */
  skipped(partition: TopicPartition, from: number, to: number): void;
  /** The group is about to change, and the old membership still holds: let running work end and commit it. */
  rebalancing(): Promise<void>;
  /**
   * Kafka no longer has the records at the position of a partition.
   * @param committed what the group has committed for it
   * @param earliest the first offset that the partition still has; `undefined` when that couldn't be learnt
   * @returns whether to go on there; else nothing more is fetched from the partition until the next assignment
   */
  deleted(partition: TopicPartition, committed: number | undefined, earliest: number | undefined): boolean;
  /** The membership is lost for good, beyond the client's own retries. */
  lost(error: unknown): void;
}

/** How well the membership is, for readiness. */
export interface BrokerHealth {
  /** In the group, and not between two generations. */
  readonly joined: boolean;
  /** Milliseconds since 1970 of the last sign of life from the group's coordinator. */
  readonly lastContactAt: number;
}

/**
 * All that the engine wants of Kafka: kafkajs behind it in production, a fake of the same contract in specs.
 */
export interface Broker {
  readonly health: BrokerHealth;
  /** Joins the group; resolves once it tries to, not once it is in. */
  start(listener: BrokerListener): Promise<void>;
  /** Asks the group's coordinator. @throws when it doesn't answer */
  committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]>;
  /** @throws MetadataRefusedError, or anything else when it isn't certain that the offsets were committed */
  commit(positions: readonly Position[]): Promise<void>;
  /** Resolves once all in-sync replicas have the record. @throws when that isn't certain, or can't be */
  publish(topic: string, record: OutgoingRecord): Promise<void>;
  /** Leaves the group and closes all connections. Commits nothing. */
  stop(): Promise<void>;
}

/** The broker takes no metadata of this size with a commit (`offset.metadata.max.bytes`); the offsets alone may pass. */
export class MetadataRefusedError extends Error {
  override readonly name = 'MetadataRefusedError';
  readonly code = 'metadata-refused';
}
