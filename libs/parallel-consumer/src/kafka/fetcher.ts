import { backOffMs, pause, type Clock } from '@orders-pipeline/clock';
import type { EngineLogger } from '../events/engine-logger.js';
import { FETCH, type FetchedPartition, type FetchPartition } from '../protocol/fetch-request.js';
import { errorName, KafkaError, throwOnError } from '../protocol/kafka-error.js';
import { errorDetails } from '../failures/failure.js';
import {
  partitionName,
  type BrokerFailure,
  type ReadPosition,
  type ReadResult,
  type TopicPartition,
} from '../broker/broker.js';
import type { KafkaConnections } from './kafka-connections.js';
import { findProblem } from './find-problem.js';
import { ANY_EPOCH, OpenReads, type OpenRead } from './open-reads.js';
import { toReadResult } from './read-result.js';
import type { PartitionMetadata } from '../protocol/metadata-request.js';
import type { TopicLogs } from './topic-logs.js';

export interface FetcherOptions {
  /** Maximum bytes of one fetch from one node. */
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  /** Maximum size of one decompressed record batch. */
  readonly maxDecompressedBytes: number;
  readonly logger: EngineLogger;
  readonly clock: Clock;
  /** Returns numbers from 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random: () => number;
}

/** How long a node waits for records before it returns an empty response. */
const MAX_WAIT_MS = 250;
/** Shorter wait for a node with another partition that is likely to be read soon: its read must wait for this fetch. */
const SHORT_WAIT_MS = 20;
/** A partition that was read within this time is likely to be read again soon. */
const RECENTLY_READ_MS = 1_000;
/** Back-off between retries after a failure. */
const BACK_OFF = { initialMs: 200, maxMs: 5_000 };

/**
 * Reads the partitions of the assigned topics. Each node has at most one fetch in progress, which covers all pending reads on that node.
 * A failing partition or node backs off without delaying the others.
 *
 * Fetches use the topic id, so records of a recreated topic are never mistaken for those of its predecessor (KIP-516). They also
 * carry the leader epoch of the last record, so a leader that lost records reports it (KIP-320).
 */
export class Fetcher {
  private readonly reads: OpenReads;
  /** All assigned partitions, with or without a pending read. */
  private owned: ReadonlyMap<string, TopicPartition> = new Map();
  private readonly busyNodes = new Set<number>();
  private isPumpDue = false;
  private closed = false;

  constructor(
    private readonly connections: KafkaConnections,
    private readonly logs: TopicLogs,
    private readonly options: FetcherOptions,
  ) {
    this.reads = new OpenReads(options.clock);
  }

  /** The oldest fetch failure that persists; `undefined` when no partition fails. */
  get failure(): BrokerFailure | undefined {
    return this.reads.failure;
  }

  /**
   * Sets the assigned partitions and ends the reads of revoked ones.
   * @param kept false also ends the reads of partitions that stay assigned
   */
  assign(partitions: readonly TopicPartition[], kept: boolean): void {
    this.owned = new Map(partitions.map((each) => [partitionName(each), each]));
    for (const read of this.reads) if (!kept || !this.owns(read.position)) this.reads.end(read, undefined);
  }

  async read(position: ReadPosition): Promise<ReadResult | undefined> {
    if (this.closed || !this.owns(position)) return undefined;
    this.schedulePump();
    return this.reads.add(position);
  }

  close(): void {
    this.closed = true;
    this.assign([], false);
  }

  /** Starts a fetch from each node that has pending reads and no fetch in progress. */
  private pump(): void {
    if (this.closed) return;
    const byNode = new Map<number, OpenRead[]>();
    const leaderless: OpenRead[] = [];
    for (const read of this.reads) {
      if (read.isBackingOff) continue;
      const leader = this.leaderOf(read.position)?.leader;
      if (leader === undefined) leaderless.push(read);
      else if (!this.busyNodes.has(leader)) byNode.set(leader, [...(byNode.get(leader) ?? []), read]);
    }
    for (const [node, reads] of byNode) void this.fetch(node, reads);
    if (leaderless.length > 0) void this.retryLater(leaderless, undefined);
  }

  private async fetch(node: number, reads: readonly OpenRead[]): Promise<void> {
    this.busyNodes.add(node);
    try {
      const requested = new Set(reads.map(({ position }) => partitionName(position)));
      const mayFollow = [...this.owned].some(
        ([name, each]) => !requested.has(name) && this.wasReadRecently(each, node),
      );
      const response = await this.connections.request(node, FETCH, {
        maxWaitMs: mayFollow ? SHORT_WAIT_MS : MAX_WAIT_MS,
        maxBytes: this.options.maxBytes,
        partitions: reads.map((read) => this.toFetch(read)),
      });
      throwOnError(response.errorCode, 'Fetch');
      for (const fetched of response.partitions) {
        const read = reads.find(
          ({ position: { logId, partition } }) => logId === fetched.topicId && partition === fetched.partition,
        );
        // The partition may have been revoked during the fetch, and even assigned again.
        if (read !== undefined && this.reads.isPending(read)) this.complete(read, fetched);
      }
    } catch (error) {
      this.logFailure({ node }, error);
      void this.retryLater(
        reads.filter((read) => this.reads.isPending(read)),
        error,
      );
    }
    this.busyNodes.delete(node);
    this.schedulePump();
  }

  private owns(partition: TopicPartition): boolean {
    return this.owned.has(partitionName(partition));
  }

  private leaderOf({ topic, partition }: TopicPartition): PartitionMetadata | undefined {
    return this.logs.of(topic).getLeader(partition);
  }

  private wasReadRecently(partition: TopicPartition, node: number): boolean {
    return this.reads.hasEndedWithin(partition, RECENTLY_READ_MS) && this.leaderOf(partition)?.leader === node;
  }

  private toFetch({ position, epoch }: OpenRead): FetchPartition {
    const { partition, offset, logId } = position;
    return {
      topicId: logId,
      partition,
      offset,
      currentLeaderEpoch: this.leaderOf(position)?.leaderEpoch ?? ANY_EPOCH,
      lastFetchedEpoch: epoch,
      maxBytes: this.options.maxBytesPerPartition,
    };
  }

  /** Defers the fetch, so that all reads started in this turn of the event loop share one fetch. */
  private schedulePump(): void {
    if (this.isPumpDue) return;
    this.isPumpDue = true;
    setImmediate(() => {
      this.isPumpDue = false;
      this.pump();
    });
  }

  private complete(read: OpenRead, fetched: FetchedPartition): void {
    if (fetched.errorCode !== 0) {
      void this.resolveFailure(read, errorName(fetched.errorCode));
      return;
    }
    this.reads.succeed(read);
    if (isPositionWithin(fetched.diverging, read.position)) {
      read.epoch = ANY_EPOCH;
      return;
    }
    const answer = toReadResult(read, fetched, this.options.maxDecompressedBytes);
    if (answer !== undefined) this.reads.end(read, answer);
  }

  private async resolveFailure(read: OpenRead, code: string): Promise<void> {
    const { topic, partition, offset } = read.position;
    read.isBackingOff = true;
    let failure: unknown = new KafkaError(code, 'Fetch');
    try {
      const problem = await findProblem(this.logs.of(topic), read.position, code);
      if (problem !== undefined) return this.reads.end(read, problem);
      // The offset is in range, but the leader no longer knows the epoch of the request: the first records of that epoch were deleted.
      if (code === 'OFFSET_OUT_OF_RANGE') read.epoch = ANY_EPOCH;
      else this.logFailure({ topic, partition, offset }, failure);
    } catch (error) {
      failure = error;
      this.logFailure({ topic, partition, offset, fetchCode: code }, error);
    }
    await this.retryLater([read], failure);
  }

  /**
   * Waits for the back-off, refreshes the partition leaders and retries the reads.
   * @param error why the reads failed; undefined when no leader is known, which an earlier error may explain
   */
  private async retryLater(reads: readonly OpenRead[], error: unknown): Promise<void> {
    const { clock, random } = this.options;
    this.reads.suspend(reads, error);
    const failures = Math.max(1, ...reads.map((read) => read.failures));
    await pause(clock, backOffMs(BACK_OFF, failures, random));
    const byTopic = Map.groupBy(reads, ({ position }) => position.topic);
    await Promise.all([...byTopic].map(async ([topic, ofTopic]) => this.findLeaders(topic, ofTopic)));
    for (const read of reads) read.isBackingOff = false;
    this.schedulePump();
  }

  private async findLeaders(topic: string, reads: readonly OpenRead[]): Promise<void> {
    try {
      if (!this.closed) await this.logs.of(topic).refresh();
    } catch (error) {
      this.logFailure({ topic }, error);
      for (const read of reads) this.reads.fail(read, error);
    }
  }

  private logFailure(details: object, error: unknown): void {
    if (this.closed) return;
    this.options.logger.warn({ ...details, ...errorDetails(error) }, 'fetch failed: retrying');
  }
}

/**
 * Whether a log that "diverges" has the position all the same. A leader reports the last epoch up to the requested one that it has
 * records of (KIP-595). A replica that was rebuilt after compaction had removed all records of the requested epoch names an earlier
 * epoch, although no record is lost. The log was truncated only if that epoch ends before the position (KIP-320).
 */
function isPositionWithin(diverging: FetchedPartition['diverging'], { offset }: ReadPosition): boolean {
  return diverging !== undefined && diverging.endOffset >= offset;
}
