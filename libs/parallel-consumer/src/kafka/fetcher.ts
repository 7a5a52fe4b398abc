import { backOffMs } from '../back-off.js';
import { pause, type Clock } from '../clock.js';
import type { EngineLogger } from '../options.js';
import { FETCH, type FetchedPartition, type FetchPartition } from '../protocol/fetch-request.js';
import { errorName, throwOnError } from '../protocol/kafka-error.js';
import { batchExtent } from '../records/batch-extent.js';
import { FetchedRecords } from '../records/fetched-records.js';
import type { ReadAnswer, ReadPosition } from './broker.js';
import type { KafkaConnections } from './kafka-connections.js';
import { findProblem } from './find-problem.js';
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
  /** After a failure, until it is tried again. The other reads go on. */
  isResting: boolean;
  failures: number;
  failingSince: number | undefined;
}

/** How long a node waits for records. */
const MAX_WAIT_MS = 250;
/** While others of its partitions may be read on soon: that would have to wait behind this fetch. */
const SHORT_WAIT_MS = 20;
/** A partition that was read within this time is probably read on soon. */
const LIVELY_MS = 1_000;
/** Between tries after a failure. */
const BACK_OFF = { initialMs: 200, maxMs: 5_000 };
const ANY_EPOCH = -1;
/**
 * Reads the partitions of one topic: all that are open on a node in one fetch, one fetch at a time for each node. A partition or
 * a node that fails rests by itself. By topic id,
 * so that the records of a topic that was created again are never taken for those of the one before (KIP-516), and with the
 * epoch of the last record, so that a leader that lost records says so (KIP-320).
 */
export class Fetcher {
  private readonly reads = new Map<number, OpenRead>();
  /** Partitions that are assigned, read at the moment or not. */
  private owned = new Set<number>();
  private readonly answeredAt = new Map<number, number>();
  private readonly busyNodes = new Set<number>();
  private isPumpDue = false;
  private closed = false;

  constructor(
    private readonly connections: KafkaConnections,
    private readonly log: TopicLog,
    private readonly options: FetcherOptions,
  ) {}

  /** Since when a partition could not be fetched, in ms since 1970; `undefined` while all can be. */
  get failingSince(): number | undefined {
    let since: number | undefined;
    for (const { failingSince } of this.reads.values())
      if (failingSince !== undefined && (since === undefined || failingSince < since)) since = failingSince;
    return since;
  }

  /** Ends the reads of all partitions that aren't among these, or of all. @param kept whether those that are go on */
  assign(partitions: readonly number[], kept: boolean): void {
    this.owned = new Set(partitions);
    for (const [partition, read] of this.reads) if (!kept || !this.owned.has(partition)) this.end(read, undefined);
  }

  async read(position: ReadPosition): Promise<ReadAnswer | undefined> {
    if (this.closed || !this.owned.has(position.partition)) return undefined;
    return new Promise((answer) => {
      const epoch = position.leaderEpoch ?? ANY_EPOCH;
      const unfailed = { isResting: false, failures: 0, failingSince: undefined };
      this.reads.set(position.partition, { position, epoch, answer, ...unfailed });
      this.pumpSoon();
    });
  }

  close(): void {
    this.closed = true;
    this.assign([], false);
  }

  /** Starts a fetch from each node that has none under way and something to be read. */
  private pump(): void {
    if (this.closed) return;
    const byNode = new Map<number, OpenRead[]>();
    const leaderless: OpenRead[] = [];
    for (const [partition, read] of this.reads) {
      if (read.isResting) continue;
      const leader = this.log.leaderOf(partition)?.leader;
      if (leader === undefined) leaderless.push(read);
      else if (!this.busyNodes.has(leader)) byNode.set(leader, [...(byNode.get(leader) ?? []), read]);
    }
    for (const [node, reads] of byNode) void this.fetch(node, reads);
    if (leaderless.length > 0) void this.retryLater(leaderless);
  }

  private async fetch(node: number, reads: readonly OpenRead[]): Promise<void> {
    this.busyNodes.add(node);
    try {
      const asked = new Set(reads.map(({ position }) => position.partition));
      const mayFollow = [...this.owned].some((each) => !asked.has(each) && this.isLively(each, node));
      const response = await this.connections.request(node, FETCH, {
        maxWaitMs: mayFollow ? SHORT_WAIT_MS : MAX_WAIT_MS,
        maxBytes: this.options.maxBytes,
        partitions: reads.map((read) => this.toFetch(read)),
      });
      throwOnError(response.errorCode, 'Fetch');
      for (const fetched of response.partitions) {
        const read = reads.find(({ position }) => position.partition === fetched.partition);
        // The assignment may have changed meanwhile, and even come back.
        if (read !== undefined && this.isOpen(read)) this.answer(read, fetched);
      }
    } catch (error) {
      this.report({ node }, error);
      void this.retryLater(reads.filter((read) => this.isOpen(read)));
    }
    this.busyNodes.delete(node);
    this.pumpSoon();
  }

  private isLively(partition: number, node: number): boolean {
    const since = this.options.clock.now() - (this.answeredAt.get(partition) ?? Number.NEGATIVE_INFINITY);
    return since < LIVELY_MS && this.log.leaderOf(partition)?.leader === node;
  }

  private toFetch({ position: { partition, offset, logId }, epoch }: OpenRead): FetchPartition {
    return {
      topicId: logId,
      partition,
      offset,
      currentLeaderEpoch: this.log.leaderOf(partition)?.leaderEpoch ?? ANY_EPOCH,
      lastFetchedEpoch: epoch,
      maxBytes: this.options.maxBytesPerPartition,
    };
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

  private answer(read: OpenRead, fetched: FetchedPartition): void {
    const { topic, partition, offset: fetchOffset } = read.position;
    if (fetched.errorCode !== 0) {
      void this.resolveFailure(read, errorName(fetched.errorCode));
      return;
    }
    read.failures = 0;
    read.failingSince = undefined;
    const { diverging, records, abortedTransactions, highWatermark } = fetched;
    if (diverging !== undefined)
      return this.end(read, { type: 'truncated', end: diverging.endOffset, epoch: diverging.epoch });
    if (records.length === 0) return;
    // A copy, so that a partition's records hold no more than their own part of the fetch.
    const bytes = Buffer.from(records);
    const { nextOffset, epochs } = batchExtent(bytes, fetchOffset);
    this.end(read, {
      type: 'records',
      topic,
      partition,
      records: new FetchedRecords({ topic, partition, fetchOffset, bytes, abortedTransactions }),
      fetchOffset,
      lastOffset: nextOffset - 1,
      highWatermark,
      epochs,
    });
  }

  private async resolveFailure(read: OpenRead, code: string): Promise<void> {
    const { partition, offset } = read.position;
    read.isResting = true;
    try {
      const problem = await findProblem(this.log, read.position, code);
      if (problem !== undefined) return this.end(read, problem);
      // In range after all: the leader no longer knows the epoch that was asked with, since its first records were deleted.
      if (code === 'OFFSET_OUT_OF_RANGE') read.epoch = ANY_EPOCH;
      else this.report({ partition, offset }, code);
    } catch (error) {
      this.report({ partition, offset, code }, error);
    }
    await this.retryLater([read]);
  }

  /** Learns anew who leads, after a rest, then lets the reads go on. */
  private async retryLater(reads: readonly OpenRead[]): Promise<void> {
    const { clock } = this.options;
    for (const read of reads) {
      read.isResting = true;
      read.failures += 1;
      read.failingSince ??= clock.now();
    }
    const failures = Math.max(1, ...reads.map((read) => read.failures));
    await pause(clock, backOffMs(BACK_OFF, failures, Math.random));
    try {
      if (!this.closed) await this.log.refresh();
    } catch (error) {
      this.report({}, error);
    }
    for (const read of reads) read.isResting = false;
    this.pumpSoon();
  }

  private isOpen(read: OpenRead): boolean {
    return this.reads.get(read.position.partition) === read;
  }

  private end(read: OpenRead, answer: ReadAnswer | undefined): void {
    if (!this.isOpen(read)) return;
    this.reads.delete(read.position.partition);
    this.answeredAt.set(read.position.partition, this.options.clock.now());
    read.answer(answer);
  }

  private report(details: object, error: unknown): void {
    if (this.closed) return;
    const { topic } = this.log;
    this.options.logger.warn({ topic, ...details, reason: String(error) }, 'fetch failed: trying again');
  }
}
