import type { ListNode } from '../structures/intrusive-list.js';
import type { ConsumedRecord } from '../records/record.js';
import type { RecordTrace } from '../events/record-tracer.js';
import { Fifo } from '../structures/fifo.js';
import { PartitionBuffer } from './partition-buffer.js';
import { KeyQueues, type KeyHolder } from './key-queues.js';
import { EpochHistory } from './epoch-history.js';
import type { EpochStart } from '../records/batch-extent.js';
import { OffsetTracker, type OffsetRange } from './offset-tracker.js';
import type { StoppedPartition } from './stopped-partition.js';

/** The scope within which a record keeps its order: its key, its whole partition, or nothing. */
export type OrderScope = 'key' | 'partition' | 'nothing';

/** A record that the consumer has taken and not finished yet. */
export class Task implements ListNode<Task>, KeyHolder<Task> {
  /** Failed attempts that the record itself caused; `environment` failures do not count. */
  failedAttempts = 0;
  /** Set when the record must be dead-lettered: its next attempt publishes the dead letter. */
  deadLetterCause: Error | undefined;
  /** `undefined` for a record that is not traced. */
  trace: RecordTrace | undefined;
  /** Whether it runs together with an earlier task of its key, which holds the key. */
  isJoined = false;
  older: Task | undefined;
  newer: Task | undefined;
  behind: Task | undefined;
  lastBehind: Task | undefined;
  inBucket: Task | undefined;

  constructor(
    readonly record: ConsumedRecord,
    readonly assignment: Assignment,
    readonly order: OrderScope,
    /** Hash of the key by `hashKey`; 0 unless the record is ordered by key. */
    readonly keyHash: number,
    readonly bytes: number,
    /** Milliseconds since 1970. */
    readonly takenAt: number,
  ) {}

  /** The ordering key; `null` for all records of a partition that is ordered as a whole. */
  get key(): Buffer | null {
    return this.order === 'key' ? this.record.key : null;
  }

  get offset(): number {
    return this.record.offset;
  }
}

/** The position at which an assignment starts reading. */
export interface Beginning {
  readonly offset: number;
  /** The group's committed offset; `undefined` when there is none. */
  readonly committed: number | undefined;
  readonly logId: string;
  /** Leader epoch of the record before the offset; `undefined` when unknown. */
  readonly leaderEpoch: number | undefined;
  /** Completed ranges beyond the offset, ascending. */
  readonly finished: readonly OffsetRange[];
  /** Leader epochs of the completed records, each with its first offset. Default: none is known beyond `leaderEpoch`. */
  readonly epochs?: readonly EpochStart[];
}

/**
 * The state of one partition while it is assigned to this member. A partition that is revoked and assigned again gets a new
 * object. Work that still runs for the old object completes on the old tracker, which the committer no longer reads. This
 * fences stale work from commits; `fence` lets sinks refuse it too.
 */
export class Assignment {
  readonly tracker = new OffsetTracker<Task>();
  readonly epochs = new EpochHistory();
  readonly keys = new KeyQueues<Task>();
  /** Tasks that may run now. */
  readonly ready = new Fifo<Task>();
  /** Fetched records that are not taken yet. */
  readonly buffer = new PartitionBuffer();
  /** When its committed offset was first requested, in ms since 1970. */
  requestedSince = Infinity;
  /** Whether a read is in progress. */
  isReading = false;
  /** The offset to read next, after all buffered records. */
  nextRead = 0;
  /** Number of the last run that took records from this partition; runs are counted over all partitions. */
  lastRun = 0;
  /** Number of taken, unfinished records, and their size in bytes. */
  taken = 0;
  takenBytes = 0;
  /** Number of records in the handler. */
  running = 0;
  /** Whether another member will get the partition: no attempt begins any more. */
  isLeaving = false;
  /** One past the partition's last record, as of the last fetch. */
  highWatermark = 0;
  /** One past the last record that could be read, as of the last fetch. */
  lastStableOffset = 0;
  /** Timestamp of the last record taken, in ms since 1970. */
  lastTimestamp: number | undefined;
  private log = '';
  private stoppedAs: StoppedPartition | undefined;
  private hasBegun = false;
  private isRevoked = false;
  private committedOffset: number | undefined;
  private committedChanges = 0;

  /**
   * @param fence higher than that of each earlier ownership of the partition, by any member
   * @param before the assignment of the log that this one replaces
   */
  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly fence: number,
    private readonly before?: Assignment,
  ) {}

  /** Whether no record is in the handler, also none that was read before the log was replaced. */
  get isIdle(): boolean {
    return this.running === 0 && (this.before?.isIdle ?? true);
  }

  get revoked(): boolean {
    return this.isRevoked;
  }

  /** Whether the offset at which reading starts is known. */
  get begun(): boolean {
    return this.hasBegun;
  }

  /** Why the consumer takes no more records from the partition; `undefined` during normal operation. */
  get stopped(): StoppedPartition | undefined {
    return this.stoppedAs;
  }

  /** Id of the partition's log; '' before `begin`. */
  get logId(): string {
    return this.log;
  }

  revoke(): void {
    this.isRevoked = true;
    this.buffer.clear();
  }

  /** Stops the partition and drops its buffered records. */
  stop(reason: StoppedPartition): void {
    this.stoppedAs = reason;
    this.buffer.clear();
  }

  /** Stops reading the partition; buffered records are still taken. */
  stopReading(reason: StoppedPartition): void {
    this.stoppedAs = reason;
  }

  begin({ offset, committed, logId, leaderEpoch, finished, epochs }: Beginning): void {
    this.hasBegun = true;
    this.committedOffset = committed;
    this.log = logId;
    this.nextRead = offset;
    this.tracker.begin(offset, finished);
    this.epochs.begin(offset, leaderEpoch, epochs);
  }

  /** False before the start offset is known, and after the revocation. */
  get mayCommit(): boolean {
    return this.hasBegun && !this.isRevoked;
  }

  /** Whether there is progress to commit. @param withMap whether commits carry the completed offsets */
  isDirty(withMap: boolean): boolean {
    return (
      this.tracker.committable !== this.committedOffset || (withMap && this.tracker.changes !== this.committedChanges)
    );
  }

  committed(offset: number, changes: number): void {
    this.committedOffset = offset;
    this.committedChanges = changes;
    this.epochs.forgetBefore(offset - 1);
  }
}
