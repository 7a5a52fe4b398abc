import type { Aged } from './age-list.js';
import type { ConsumedRecord } from './record.js';
import { Fifo } from './window/fifo.js';
import { KeyQueues, hashOf, type KeyHolder } from './window/key-queues.js';
import { OffsetFrontier, type OffsetRange } from './offsets/offset-frontier.js';

/** What a record keeps its order with: the others of its key, all of its partition, or nothing. */
export type OrderOf = 'key' | 'partition' | 'nothing';

/** A record on its way through the handler. */
export class Task implements Aged<Task>, KeyHolder<Task> {
  /** Attempts that were the record's own fault. */
  failedAttempts = 0;
  /** Set once it is given up: its next attempt is its dead letter. */
  givenUp: Error | undefined;
  older: Task | undefined;
  newer: Task | undefined;
  behind: Task | undefined;
  lastBehind: Task | undefined;
  inBucket: Task | undefined;
  readonly keyHash: number;

  constructor(
    readonly record: ConsumedRecord,
    readonly assignment: Assignment,
    readonly order: OrderOf,
    readonly bytes: number,
    /** Milliseconds since 1970. */
    readonly takenAt: number,
  ) {
    this.keyHash = order === 'key' && record.key !== null ? hashOf(record.key) : 0;
  }

  /** What its order is by; the same for all of a partition where that is kept in order as a whole. */
  get key(): Buffer | null {
    return this.order === 'key' ? this.record.key : null;
  }

  get offset(): number {
    return this.record.offset;
  }
}

/**
 * One partition while it is ours. A partition that is lost and comes back is a new object: whatever still runs for the old
 * one completes on the old one's frontier, which nobody commits any more. That is the fence; it needs no epoch numbers.
 */
export class Assignment {
  readonly frontier = new OffsetFrontier<Task>();
  readonly keys = new KeyQueues<Task>();
  /** Tasks that may run now. */
  readonly ready = new Fifo<Task>();
  /** Records in memory, and their bytes. */
  taken = 0;
  takenBytes = 0;
  /** One past the partition's last record, as of the last fetch. */
  highWatermark = 0;
  /** The last record taken of the fetch that is being worked through: it holds all of it. */
  lastTaken: ConsumedRecord | undefined;
  private lastWrittenAt: number | undefined;
  /** Offsets that Kafka deleted before they were read. */
  deleted: OffsetRange | undefined;
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

  /** When the last record taken was written, as of the last fetch, in milliseconds since 1970. */
  get lastTimestamp(): number | undefined {
    return this.lastWrittenAt;
  }

  /** Once for each fetch, since reading a timestamp costs as much as taking a record. */
  noteTimestamp(): void {
    this.lastWrittenAt = this.lastTaken?.timestamp ?? this.lastWrittenAt;
    this.lastTaken = undefined;
  }

  revoke(): void {
    this.isRevoked = true;
  }

  /** @param committed what the group has committed; `undefined`: nothing, and `offset` is where the partition begins */
  begin(offset: number, committed: number | undefined, finished: readonly OffsetRange[] = []): void {
    this.hasBegun = true;
    this.committedOffset = committed;
    this.frontier.begin(offset, finished);
  }

  /** Not before it is known where it began, and not once it went. */
  get mayCommit(): boolean {
    return this.hasBegun && !this.isRevoked;
  }

  /** Whether a commit would say anything new. */
  isDirty(withMap: boolean): boolean {
    return (
      this.frontier.committable !== this.committedOffset || (withMap && this.frontier.changes !== this.committedChanges)
    );
  }

  committed(offset: number, changes: number): void {
    this.committedOffset = offset;
    this.committedChanges = changes;
  }
}
