import type { ListNode } from './intrusive-list.js';
import type { ConsumedRecord } from './record.js';
import { Fifo } from './window/fifo.js';
import { PartitionBuffer } from './window/partition-buffer.js';
import { KeyQueues, type KeyHolder } from './window/key-queues.js';
import { EpochHistory } from './offsets/epoch-history.js';
import { OffsetTracker, type OffsetRange } from './offsets/offset-tracker.js';
import type { StoppedPartition } from './offsets/stopped-partition.js';

/** What a record keeps its order with: the others of its key, all of its partition, or nothing. */
export type OrderOf = 'key' | 'partition' | 'nothing';

/** A record on its way through the handler. */
export class Task implements ListNode<Task>, KeyHolder<Task> {
  /** Attempts that were the record's own fault. */
  failedAttempts = 0;
  /** Set once it is given up: its next attempt is its dead letter. */
  givenUp: Error | undefined;
  older: Task | undefined;
  newer: Task | undefined;
  behind: Task | undefined;
  lastBehind: Task | undefined;
  inBucket: Task | undefined;

  constructor(
    readonly record: ConsumedRecord,
    readonly assignment: Assignment,
    readonly order: OrderOf,
    /** Of its key by `hashOf`; 0 where its order is not by key. */
    readonly keyHash: number,
    readonly bytes: number,
    /** Milliseconds since 1970. */
    readonly takenAt: number,
  ) {}

  /** What its order is by; the same for all of a partition where that is kept in order as a whole. */
  get key(): Buffer | null {
    return this.order === 'key' ? this.record.key : null;
  }

  get offset(): number {
    return this.record.offset;
  }
}

/** Where an assignment begins. */
export interface Beginning {
  readonly offset: number;
  /** What the group has committed; `undefined`: nothing. */
  readonly committed: number | undefined;
  readonly logId: string;
  /** Of the record before the offset; `undefined` when unknown. */
  readonly leaderEpoch: number | undefined;
  /** Beyond the offset, ascending. */
  readonly finished: readonly OffsetRange[];
}

/**
 * One partition while it is ours. A partition that is lost and comes back is a new object: whatever still runs for the old
 * one completes on the old one's tracker, which nobody commits any more. That is the fence; it needs no epoch numbers.
 */
export class Assignment {
  readonly tracker = new OffsetTracker<Task>();
  readonly epochs = new EpochHistory();
  readonly keys = new KeyQueues<Task>();
  /** Tasks that may run now. */
  readonly ready = new Fifo<Task>();
  /** Fetched, and not taken yet. */
  readonly buffer = new PartitionBuffer();
  /** Since when its committed offset is requested, in ms since 1970. */
  requestedSince = Infinity;
  /** Whether a read is under way. */
  isReading = false;
  /** The offset to read next: past all that is buffered. */
  nextRead = 0;
  /** When records were last taken, counted in runs of all partitions. */
  lastRun = 0;
  /** Records in memory, and their bytes. */
  taken = 0;
  takenBytes = 0;
  /** One past the partition's last record, as of the last fetch. */
  highWatermark = 0;
  /** When the last record taken was written, in milliseconds since 1970. */
  lastTimestamp: number | undefined;
  private log = '';
  private stoppedAs: StoppedPartition | undefined;
  private hasBegun = false;
  private isRevoked = false;
  private committedOffset: number | undefined;
  private committedChanges = 0;

  constructor(
    readonly topic: string,
    readonly partition: number,
  ) {}

  get revoked(): boolean {
    return this.isRevoked;
  }

  /** Whether the offset is known that reading begins at. */
  get begun(): boolean {
    return this.hasBegun;
  }

  /** Why nothing more is taken from it; `undefined` while all is well. */
  get stopped(): StoppedPartition | undefined {
    return this.stoppedAs;
  }

  /** Identifies the log that is read; '' before it has begun. */
  get logId(): string {
    return this.log;
  }

  revoke(): void {
    this.isRevoked = true;
    this.buffer.clear();
  }

  /** Takes nothing more from it, not even what is buffered. */
  stop(reason: StoppedPartition): void {
    this.stoppedAs = reason;
    this.buffer.clear();
  }

  /** Reads nothing more of it; what is buffered is still taken. */
  stopReading(reason: StoppedPartition): void {
    this.stoppedAs = reason;
  }

  begin({ offset, committed, logId, leaderEpoch, finished }: Beginning): void {
    this.hasBegun = true;
    this.committedOffset = committed;
    this.log = logId;
    this.nextRead = offset;
    this.tracker.begin(offset, finished);
    this.epochs.begin(offset, leaderEpoch);
  }

  /** Not before it is known where it began, and not once it went. */
  get mayCommit(): boolean {
    return this.hasBegun && !this.isRevoked;
  }

  /** Whether a commit would say anything new. */
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
