import type { LogSettings } from './log-options.js';
import type { WindowSettings } from '../window/window-options.js';
import type { RuntimeSettings } from '../events/runtime-options.js';
import type { AttemptSettings } from '../attempts/attempt-options.js';
import { backOffMs, pause } from '@orders-pipeline/clock';
import type { TaskRunner } from '../attempts/task-runner.js';
import type { Broker, CommittedPosition, FetchedBatch, LogProblem } from '../broker/broker.js';
import type { Assignment } from '../partition/assignment.js';
import { errorDetails } from '../failures/failure.js';
import { decodeCompletedOffsets } from '../commits/completed-offsets.js';
import { continueAfter, stopAtUnreadable, type Continuation } from './log-problems.js';
import { UnreadableRecordsError } from '../records/unreadable-records.js';
import type { ConsumedRecord } from '../records/record.js';
import { nextToDrain } from '../window/even-draining.js';
import type { Scheduler } from '../window/scheduler.js';

/** Maximum number of records to take from one partition before choosing the next one. */
const RUN = 64;

/** The view of the group membership that the intake needs. */
export interface Membership {
  assignments(): Iterable<Assignment>;
  /** Whether records of the assignment may be taken now: not when it is revoked, and not while rejoining or draining. */
  takes(assignment: Assignment): boolean;
  /** Whether the group coordinator responds. Without it another member may already own the partitions. */
  isCoordinatorResponding(): boolean;
  /** Replaces the assignment by a new one of the same partition, on which `begin` was not called yet. */
  replace(assignment: Assignment): Assignment;
}

/**
 * Reads the assigned partitions, at most two fetches ahead, and takes records into the window while there is room. It takes each
 * record exactly once per assignment, and from the partition that is furthest behind, so that all advance together.
 */
export class Intake {
  /** Records taken since the start. */
  taken = 0;
  /** Records skipped since the start because the commit metadata listed them as completed. */
  skippedAsCompleted = 0;
  /** The committable offset of the last warning that `maxUncommittedOffsets` was reached. */
  private readonly warnedAt = new WeakMap<Assignment, number>();
  private runs = 0;
  private isPulling = false;

  constructor(
    private readonly options: WindowSettings &
      LogSettings &
      RuntimeSettings &
      Pick<AttemptSettings, 'environmentBackOff'>,
    private readonly broker: Broker,
    private readonly scheduler: Scheduler,
    private readonly runner: TaskRunner,
    private readonly membership: Membership,
  ) {}

  /** Requests the committed offsets of these partitions from the coordinator, and starts reading there. Retries with back-off. */
  async begin(assignments: readonly Assignment[]): Promise<void> {
    for (const assignment of assignments) assignment.requestedSince = this.options.clock.now();
    for (let failures = 1; ; failures += 1) {
      const open = assignments.filter(({ begun, revoked }) => !begun && !revoked);
      if (open.length === 0) return;
      const { clock, environmentBackOff, logger, random } = this.options;
      if (failures > 1) await pause(clock, backOffMs(environmentBackOff, failures - 1, random));
      try {
        for (const position of await this.broker.committed(open)) {
          const assignment = open.find(
            ({ partition, topic }) => partition === position.partition && topic === position.topic,
          );
          if (assignment !== undefined && !assignment.revoked) this.beginAt(assignment, position);
        }
      } catch (error) {
        logger.warn(errorDetails(error), 'committed offsets could not be read: retrying');
      }
    }
  }

  /** Takes records while the window has room and records are buffered. Cheap when there is nothing to do. */
  pull(): void {
    // A handler that ends at once calls `pull` recursively.
    if (this.isPulling) return;
    this.isPulling = true;
    try {
      while (!this.scheduler.isFull() && this.membership.isCoordinatorResponding()) {
        this.runs += 1;
        const assignment = nextToDrain(this.candidates(), this.options.clock.now(), this.runs);
        if (assignment === undefined) return;
        assignment.lastRun = this.runs;
        this.takeRun(assignment);
      }
    } finally {
      this.isPulling = false;
    }
  }

  /** Whether `maxUncommittedOffsets` keeps the next record of an assignment from being taken. */
  isHeldBack(assignment: Assignment): boolean {
    return this.warnedAt.get(assignment) === assignment.tracker.committable;
  }

  private beginAt(assignment: Assignment, { offset, from, metadata, logId, leaderEpoch }: CommittedPosition): void {
    const map = decodeCompletedOffsets(metadata, from);
    assignment.begin({
      offset: from,
      committed: offset,
      logId: map?.logId ?? logId,
      leaderEpoch,
      finished: map?.finished ?? [],
    });
    void this.readAhead(assignment);
  }

  /** Reads ahead while the buffer has room. */
  private async readAhead(assignment: Assignment): Promise<void> {
    if (assignment.isReading) return;
    assignment.isReading = true;
    const { topic, partition, epochs } = assignment;
    while (!assignment.revoked && assignment.stopped === undefined && assignment.buffer.hasRoom) {
      const { nextRead: offset, logId } = assignment;
      const answer = await this.broker.read({ topic, partition, offset, logId, leaderEpoch: epochs.at(offset - 1) });
      // The assignment may have been revoked or stopped during the read.
      if (answer === undefined || assignment.revoked || assignment.stopped !== undefined) break;
      if (answer.type === 'records') this.bufferBatch(assignment, answer);
      else this.resolveProblem(assignment, answer);
    }
    assignment.isReading = false;
  }

  private bufferBatch(assignment: Assignment, batch: FetchedBatch): void {
    assignment.highWatermark = batch.highWatermark;
    assignment.nextRead = batch.lastOffset + 1;
    assignment.epochs.add(batch.epochs);
    assignment.buffer.push(batch);
    this.pull();
  }

  private resolveProblem(assignment: Assignment, problem: LogProblem): void {
    const next = continueAfter(problem, assignment, this.options);
    if (next === undefined) return;
    if (next.restart) return this.restart(this.membership.replace(assignment), next);
    // The skipped range comes after the buffered records, which are still to be taken.
    this.bufferBatch(assignment, emptyBatchUpTo(assignment, next.offset));
  }

  private restart(assignment: Assignment, { offset, logId }: Continuation): void {
    assignment.begin({ offset, committed: undefined, logId, leaderEpoch: undefined, finished: [] });
    void this.readAhead(assignment);
  }

  /** Yields the partitions from which a record can be taken now, with the record's timestamp. */
  private *candidates(): Generator<{ readonly assignment: Assignment; readonly timestamp: number }> {
    for (const assignment of this.membership.assignments()) {
      if (!this.membership.takes(assignment) || !this.scheduler.hasShare(assignment)) continue;
      const timestamp = this.nextTimestamp(assignment);
      if (timestamp !== undefined) yield { assignment, timestamp };
    }
  }

  /** @returns the timestamp of the next record; undefined when there is none, or it may not be taken now */
  private nextTimestamp(assignment: Assignment): number | undefined {
    const { buffer } = assignment;
    try {
      while (buffer.current !== undefined) {
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
      tracker.received(this.scheduler.take(record, assignment, now));
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
    for (const { record } of tracker.unfinishedFrom(fetchOffset)) record.detach?.();
    void this.readAhead(assignment);
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

/** Creates a fetch without records, for offsets that Kafka no longer has. @param to end of the range, exclusive */
function emptyBatchUpTo(assignment: Assignment, to: number): FetchedBatch {
  const { topic, partition, nextRead: fetchOffset, highWatermark } = assignment;
  const records: ConsumedRecord[] = [];
  return {
    type: 'records',
    topic,
    partition,
    records: records.values(),
    fetchOffset,
    lastOffset: to - 1,
    highWatermark,
    epochs: [],
  };
}
