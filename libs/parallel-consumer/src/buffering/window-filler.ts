import type { LogSettings } from './log-options.js';
import type { WindowSettings } from '../window/window-options.js';
import type { RuntimeSettings } from '../events/runtime-options.js';
import type { AttemptSettings } from '../attempts/attempt-options.js';
import type { TaskRunner } from '../attempts/task-runner.js';
import type { Broker, FetchedBatch } from '../broker/broker.js';
import type { Assignment } from '../partition/assignment-and-tasks.js';
import { stopAtUnreadable } from './log-problems.js';
import { Prefetcher, type PrefetchOwner } from './prefetcher.js';
import { UnreadableRecordsError } from '../records/unreadable-records.js';
import { choosePartition } from '../window/partition-choice.js';
import type { Scheduler } from '../window/scheduler.js';

/** Maximum number of records to take from one partition before choosing the next one. */
const RUN = 64;

/** What filling the window needs of the group membership. */
export interface MembershipView extends Pick<PrefetchOwner, 'replace'> {
  assignments(): Iterable<Assignment>;
  /** Whether records of the assignment may be taken now: not when it is revoked, and not while rejoining or draining. */
  takes(assignment: Assignment): boolean;
  /** Whether the group coordinator responds. Without it another member may soon own the partitions. */
  isInContact(): boolean;
}

/**
 * Takes fetched records into the window while there is room: each record exactly once per assignment, and from the partition that is
 * furthest behind, so that all advance together.
 */
export class WindowFiller {
  /** Records taken since the start. */
  taken = 0;
  /** Records skipped since the start because the commit metadata listed them as completed. */
  skippedAsCompleted = 0;
  /** The committable offset of the last warning that `maxUncommittedOffsets` was reached. */
  private readonly warnedAt = new WeakMap<Assignment, number>();
  private readonly prefetcher: Prefetcher;
  private runs = 0;
  private isPulling = false;
  private isPullDue = false;

  constructor(
    private readonly options: WindowSettings &
      LogSettings &
      RuntimeSettings &
      Pick<AttemptSettings, 'environmentBackOff'>,
    broker: Broker,
    private readonly scheduler: Scheduler,
    private readonly runner: TaskRunner,
    private readonly membership: MembershipView,
  ) {
    this.prefetcher = new Prefetcher(options, broker, {
      replace: (assignment) => membership.replace(assignment),
      fetched: () => this.pull(),
    });
  }

  /** Starts reading new assignments at their committed offsets. */
  begin(assignments: readonly Assignment[]): void {
    void this.prefetcher.begin(assignments);
  }

  /** Takes records while the window has room and records are buffered. Cheap when there is nothing to do. */
  pull(): void {
    // An attempt that ends at once may change the in-flight limit, which calls `pull` recursively.
    if (this.isPulling) return;
    this.isPulling = true;
    try {
      while (!this.scheduler.isFull() && this.membership.isInContact()) {
        this.runs += 1;
        const assignment = choosePartition(this.candidates(), this.options.clock.now(), this.runs);
        if (assignment === undefined) return;
        assignment.lastRun = this.runs;
        this.takeRun(assignment);
      }
    } finally {
      this.isPulling = false;
    }
  }

  /** Whether `maxUncommittedOffsets` keeps the next record of an assignment from being taken. */
  isAtUncommittedLimit(assignment: Assignment): boolean {
    return this.warnedAt.get(assignment) === assignment.tracker.committable;
  }

  /** Pulls in a microtask, after the records that end together: a batch ends thousands, and each pull looks at every partition. */
  pullSoon(): void {
    if (this.isPullDue) return;
    this.isPullDue = true;
    queueMicrotask(() => {
      this.isPullDue = false;
      this.pull();
    });
  }

  /** Yields the partitions from which a record can be taken now, with the record's timestamp. */
  private *candidates(): Generator<{ readonly assignment: Assignment; readonly timestamp: number }> {
    let found = false;
    const waiting: Assignment[] = [];
    for (const assignment of this.membership.assignments()) {
      if (!this.mayTakeFrom(assignment)) continue;
      const timestamp = this.nextTimestamp(assignment);
      if (timestamp === undefined) {
        if (assignment.buffer.mustDecompress) waiting.push(assignment);
        continue;
      }
      found = true;
      yield { assignment, timestamp };
    }
    if (found) return;
    // Only partitions that nothing can be taken from have decompressed batches: those of paused topics, or behind a stalled record.
    for (const assignment of waiting) {
      for (const each of this.membership.assignments()) releaseDecompressed(each);
      const timestamp = this.nextTimestamp(assignment);
      if (timestamp !== undefined) return yield { assignment, timestamp };
    }
  }

  /** @returns the timestamp of the next record; undefined when there is none, or it may not be taken now */
  private nextTimestamp(assignment: Assignment): number | undefined {
    const { buffer } = assignment;
    try {
      while (buffer.current !== undefined) {
        if (buffer.mustDecompress && !this.mayDecompress(assignment)) return undefined;
        const record = buffer.peek();
        if (record === undefined) this.endFetch(assignment, buffer.current);
        else return this.isTooFarAhead(record.offset, assignment) ? undefined : record.timestamp;
      }
    } catch (error) {
      if (!(error instanceof UnreadableRecordsError)) throw error;
      stopAtUnreadable(error, assignment, this.options);
    }
    return undefined;
  }

  /** Whether another batch may be decompressed within `maxBytes`, which one may exceed. The partition that waits longest is first. */
  private mayDecompress(assignment: Assignment): boolean {
    if (this.hasRoomForBatch()) return true;
    releaseDecompressed(assignment);
    return this.hasRoomForBatch() && !this.hasLongerWaiting(assignment);
  }

  private hasLongerWaiting({ lastRun }: Assignment): boolean {
    for (const each of this.membership.assignments())
      if (each.lastRun < lastRun && each.buffer.mustDecompress && this.mayTakeFrom(each)) return true;
    return false;
  }

  private mayTakeFrom(assignment: Assignment): boolean {
    return this.membership.takes(assignment) && this.scheduler.mayTake(assignment);
  }

  private hasRoomForBatch(): boolean {
    let decompressed = 0;
    for (const { buffer } of this.membership.assignments()) decompressed += buffer.decompressedBytes;
    return decompressed === 0 || decompressed + this.scheduler.bytes < this.options.maxBytes;
  }

  private takeRun(assignment: Assignment): void {
    const { tracker, buffer } = assignment;
    const now = this.options.clock.now();
    for (let count = 0; count < RUN && !this.scheduler.isFull() && this.scheduler.hasShare(assignment); count += 1) {
      if (this.nextTimestamp(assignment) === undefined) return;
      const record = buffer.peek();
      if (record === undefined) return;
      buffer.take();
      if (tracker.wasCompletedBefore(record.offset)) {
        tracker.skipTo(record.offset + 1);
        this.skippedAsCompleted += 1;
        continue;
      }
      const task = this.scheduler.take(record, assignment, now);
      task.trace = this.options.tracer?.taken(record, buffer.arrivedAt);
      tracker.received(task);
      assignment.lastTimestamp = record.timestamp;
      this.taken += 1;
      this.runner.pump();
    }
  }

  /** Drops a fetch whose records are all taken: unfinished records get their own bytes, and reading continues. */
  private endFetch(assignment: Assignment, { fetchOffset, lastOffset }: FetchedBatch): void {
    const { buffer, tracker } = assignment;
    buffer.shift();
    tracker.skipTo(lastOffset + 1);
    detachFrom(fetchOffset, tracker);
    void this.prefetcher.read(assignment);
  }

  /**
   * Whether an offset exceeds `maxUncommittedOffsets`. The limit bounds how much work a crash can repeat while one record does
   * not finish. Logs one warning for each such record.
   */
  private isTooFarAhead(offset: number, assignment: Assignment): boolean {
    const { topic, partition, tracker } = assignment;
    const { maxUncommittedOffsets, logger } = this.options;
    if (offset < tracker.committable + maxUncommittedOffsets) return false;
    // No record below the offset can follow. Without this, a gap longer than the limit would block the partition for ever.
    tracker.skipTo(offset);
    if (offset < tracker.committable + maxUncommittedOffsets) return false;
    if (this.warnedAt.get(assignment) !== tracker.committable) {
      this.warnedAt.set(assignment, tracker.committable);
      logger.warn(
        { topic, partition, offset: tracker.committable, span: tracker.span },
        'partition paused: its oldest unfinished record is maxUncommittedOffsets behind',
      );
    }
    return true;
  }
}

/** Gives the unfinished records of the current fetch their own bytes, and drops its decompressed batches. */
function releaseDecompressed({ buffer, tracker }: Assignment): void {
  if (buffer.current === undefined || buffer.decompressedBytes === 0) return;
  detachFrom(buffer.current.fetchOffset, tracker);
  buffer.release();
}

function detachFrom(offset: number, tracker: Assignment['tracker']): void {
  for (const { record } of tracker.unfinishedFrom(offset)) record.detach?.();
}
