import { backOffMs } from '../back-off.js';
import { pause, type Clock } from '../clock.js';
import type { EngineLogger } from '../options.js';
import { FETCH, type FetchedPartition, type FetchPartition } from '../protocol/fetch-request.js';
import { errorName, throwOnError } from '../protocol/kafka-error.js';
import { batchExtent } from '../records/batch-extent.js';
import { FetchedRecords } from '../records/fetched-records.js';
import type { ReadAnswer, ReadPosition } from './broker.js';
import type { KafkaConnections } from './kafka-connections.js';
import type { TopicLog } from './topic-log.js';

export interface FetcherOptions {
  /** Bytes of one fetch from one node. */
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly logger: EngineLogger;
  readonly clock: Clock;
}

/** A read that was not answered yet. */
interface OpenRead {
  readonly position: ReadPosition;
  /** -1: not checked. */
  epoch: number;
  readonly answer: (answer: ReadAnswer | undefined) => void;
}

/** How long a node waits for records when all of its partitions are being read. */
const MAX_WAIT_MS = 250;
/** When some are not, since a read of theirs would have to wait behind this fetch. */
const SHORT_WAIT_MS = 20;
/** Between tries after a failure. */
const BACK_OFF = { initialMs: 200, maxMs: 5_000 };
const ANY_EPOCH = -1;
/** The leader moved, or isn't there yet: ask who leads now. */
const MOVED = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
]);

/**
 * Reads the partitions of one topic: all that are open on a node in one fetch, one fetch at a time for each node. By topic id,
 * so that the records of a topic that was created again are never taken for those of the one before (KIP-516), and with the
 * epoch of the last record, so that a leader that lost records says so (KIP-320).
 */
export class Fetcher {
  private readonly reads = new Map<number, OpenRead>();
  /** Partitions that are assigned, read at the moment or not. */
  private owned = new Set<number>();
  private readonly busyNodes = new Set<number>();
  private recovering = false;
  private isPumpDue = false;
  private failures = 0;
  private failingSinceMs: number | undefined;
  private closed = false;

  constructor(
    private readonly connections: KafkaConnections,
    private readonly log: TopicLog,
    private readonly options: FetcherOptions,
  ) {}

  /** Since when no fetch has succeeded, in ms since 1970; `undefined` while they do. */
  get failingSince(): number | undefined {
    return this.failingSinceMs;
  }

  /** Ends the reads of all partitions that aren't among these, or of all. @param kept whether those that are go on */
  assign(partitions: readonly number[], kept: boolean): void {
    this.owned = new Set(partitions);
    for (const [partition, read] of this.reads)
      if (!kept || !this.owned.has(partition)) this.end(partition, read, undefined);
  }

  async read(position: ReadPosition): Promise<ReadAnswer | undefined> {
    if (this.closed || !this.owned.has(position.partition)) return undefined;
    return new Promise((answer) => {
      this.reads.set(position.partition, { position, epoch: position.leaderEpoch ?? ANY_EPOCH, answer });
      this.pumpSoon();
    });
  }

  close(): void {
    this.closed = true;
    this.assign([], false);
  }

  /** Starts a fetch from each node that has none under way and something to be read. */
  private pump(): void {
    if (this.closed || this.recovering) return;
    const byNode = new Map<number, FetchPartition[]>();
    let isLeaderless = false;
    for (const [partition, { position, epoch }] of this.reads) {
      const leader = this.log.leaderOf(partition);
      if (leader === undefined) {
        isLeaderless = true;
        continue;
      }
      if (this.busyNodes.has(leader.leader)) continue;
      const wanted = byNode.get(leader.leader) ?? [];
      byNode.set(leader.leader, wanted);
      wanted.push({
        topicId: position.logId,
        partition,
        offset: position.offset,
        currentLeaderEpoch: leader.leaderEpoch,
        lastFetchedEpoch: epoch,
        maxBytes: this.options.maxBytesPerPartition,
      });
    }
    for (const [node, partitions] of byNode) void this.fetch(node, partitions);
    if (isLeaderless) void this.recover();
  }

  private async fetch(node: number, partitions: readonly FetchPartition[]): Promise<void> {
    this.busyNodes.add(node);
    const reads = new Map(partitions.map(({ partition }) => [partition, this.reads.get(partition)]));
    let failed = false;
    try {
      const all = [...this.owned].every((each) => reads.has(each) || this.log.leaderOf(each)?.leader !== node);
      const response = await this.connections.request(node, FETCH, {
        maxWaitMs: all ? MAX_WAIT_MS : SHORT_WAIT_MS,
        maxBytes: this.options.maxBytes,
        partitions,
      });
      throwOnError(response.errorCode, 'Fetch');
      for (const fetched of response.partitions) {
        const read = reads.get(fetched.partition);
        // The assignment may have changed meanwhile, and even come back.
        if (read === undefined || this.reads.get(fetched.partition) !== read) continue;
        if (!(await this.answer(read, fetched))) failed = true;
      }
    } catch (error) {
      failed = true;
      this.report({ node }, error);
    }
    this.busyNodes.delete(node);
    if (failed) return this.recover();
    this.failures = 0;
    this.failingSinceMs = undefined;
    this.pumpSoon();
  }

  /** Not at once: partitions that are read on in this turn of the event loop go into one fetch. */
  private pumpSoon(): void {
    if (this.isPumpDue) return;
    this.isPumpDue = true;
    setImmediate(() => {
      this.isPumpDue = false;
      this.pump();
    });
  }

  /** @returns false when the read has to be tried again after a rest */
  private async answer(read: OpenRead, fetched: FetchedPartition): Promise<boolean> {
    const { topic, partition, offset: fetchOffset } = read.position;
    if (fetched.errorCode !== 0) return this.failed(read, errorName(fetched.errorCode));
    if (fetched.divergesAt !== undefined) {
      if (fetched.divergesAt < fetchOffset) this.end(partition, read, { type: 'truncated', end: fetched.divergesAt });
      // Only records beyond this position were lost: what comes now is what is there.
      else read.epoch = ANY_EPOCH;
      return true;
    }
    if (fetched.records.length === 0) return true;
    // A copy, so that a partition's records hold no more than their own part of the fetch.
    const bytes = Buffer.from(fetched.records);
    const { nextOffset, epochs } = batchExtent(bytes, fetchOffset);
    const { abortedTransactions, highWatermark } = fetched;
    this.end(partition, read, {
      type: 'records',
      topic,
      partition,
      records: new FetchedRecords({ topic, partition, fetchOffset, bytes, abortedTransactions }),
      fetchOffset,
      lastOffset: nextOffset - 1,
      highWatermark,
      epochs,
    });
    return true;
  }

  private async failed(read: OpenRead, error: string): Promise<boolean> {
    const { partition, offset, logId } = read.position;
    try {
      if (error === 'OFFSET_OUT_OF_RANGE') return await this.outOfRange(read);
      if (MOVED.has(error)) {
        await this.log.refresh();
        const now = await this.log.topicId();
        if (now === logId) return false;
        const earliest = await this.log.edge(partition, 'earliest');
        this.end(partition, read, { type: 'recreated', logId: now, earliest });
        return true;
      }
      this.report({ partition, offset }, error);
    } catch (cause) {
      this.report({ partition, offset, error }, cause);
    }
    return false;
  }

  private async outOfRange(read: OpenRead): Promise<boolean> {
    const { partition, offset } = read.position;
    const earliest = await this.log.edge(partition, 'earliest');
    const end = await this.log.edge(partition, 'end');
    if (offset < earliest) this.end(partition, read, { type: 'deleted', earliest });
    else if (offset > end) this.end(partition, read, { type: 'truncated', end });
    // In range after all: the leader no longer knows the epoch that was asked with, since its first records were deleted.
    else read.epoch = ANY_EPOCH;
    return true;
  }

  /** Learns anew who leads, after a rest, then goes on. */
  private async recover(): Promise<void> {
    if (this.recovering || this.closed) return;
    this.recovering = true;
    const { clock } = this.options;
    this.failures += 1;
    this.failingSinceMs ??= clock.now();
    await pause(clock, backOffMs(BACK_OFF, this.failures, Math.random));
    try {
      if (!this.closed) await this.log.refresh();
    } catch (error) {
      this.report({}, error);
    }
    this.recovering = false;
    if (!this.closed) this.pump();
  }

  private end(partition: number, read: OpenRead, answer: ReadAnswer | undefined): void {
    if (this.reads.get(partition) !== read) return;
    this.reads.delete(partition);
    read.answer(answer);
  }

  private report(details: object, error: unknown): void {
    if (this.closed) return;
    const { topic } = this.log;
    this.options.logger.warn({ topic, ...details, reason: String(error) }, 'fetch failed: trying again');
  }
}
