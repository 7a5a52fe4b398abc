import type { Clock } from '@orders-pipeline/clock';
import {
  partitionName,
  type BrokerFailure,
  type ReadPosition,
  type ReadResult,
  type TopicPartition,
} from '../broker/broker.js';
import { errorDetails } from '../failures/failure.js';
import { KafkaError } from '../protocol/kafka-error.js';

/** As the leader epoch of a request: the leader does not check it. */
export const ANY_EPOCH = -1;
const NO_LEADER = new KafkaError('LEADER_NOT_AVAILABLE', 'Fetch');

/** A pending read. */
export interface OpenRead {
  readonly position: ReadPosition;
  /** Leader epoch of the record before the position, or `ANY_EPOCH`. */
  epoch: number;
  readonly resolve: (answer: ReadResult | undefined) => void;
  /** True between a failure and its retry. The other reads continue. */
  isBackingOff: boolean;
  failures: number;
  failure: BrokerFailure | undefined;
}

/** The pending reads, at most one per partition, and why they fail. */
export class OpenReads implements Iterable<OpenRead> {
  /** By the names of their partitions. */
  private readonly reads = new Map<string, OpenRead>();
  private readonly endedAt = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  [Symbol.iterator](): Iterator<OpenRead> {
    return this.reads.values();
  }

  /** The oldest failure that persists; `undefined` when no read fails. */
  get failure(): BrokerFailure | undefined {
    let oldest: BrokerFailure | undefined;
    for (const { failure } of this.reads.values())
      if (failure !== undefined && (oldest === undefined || failure.since < oldest.since)) oldest = failure;
    return oldest;
  }

  async add(position: ReadPosition): Promise<ReadResult | undefined> {
    return new Promise((resolve) => {
      const epoch = position.leaderEpoch ?? ANY_EPOCH;
      const unfailed = { isBackingOff: false, failures: 0, failure: undefined };
      this.reads.set(partitionName(position), { position, epoch, resolve, ...unfailed });
    });
  }

  /** Whether the read has not ended: its partition may have been revoked, and even assigned again. */
  isPending(read: OpenRead): boolean {
    return this.reads.get(partitionName(read.position)) === read;
  }

  end(read: OpenRead, answer: ReadResult | undefined): void {
    if (!this.isPending(read)) return;
    const name = partitionName(read.position);
    this.reads.delete(name);
    this.endedAt.set(name, this.clock.now());
    read.resolve(answer);
  }

  /** Whether the last read of a partition ended at most this many milliseconds ago. */
  hasEndedWithin(partition: TopicPartition, milliseconds: number): boolean {
    return this.clock.now() - (this.endedAt.get(partitionName(partition)) ?? Number.NEGATIVE_INFINITY) < milliseconds;
  }

  /** Suspends failed reads until `resume`. @param error undefined when no leader is known, which an earlier error may explain */
  suspend(reads: readonly OpenRead[], error: unknown): void {
    for (const read of reads) {
      read.isBackingOff = true;
      read.failures += 1;
      if (error !== undefined || read.failure === undefined) this.fail(read, error ?? NO_LEADER);
    }
  }

  /** Notes why a read fails now. */
  fail(read: OpenRead, error: unknown): void {
    const { topic } = read.position;
    read.failure = { topic, since: read.failure?.since ?? this.clock.now(), ...errorDetails(error) };
  }

  /** Notes that the leader of the read's partition responded. */
  succeed(read: OpenRead): void {
    read.failures = 0;
    read.failure = undefined;
  }
}
