import { backOffMs } from '../back-off.js';
import { pause } from '../clock.js';
import type { TaskRunner } from '../attempts/task-runner.js';
import type { Broker, CommittedPosition, FetchedBatch, LogProblem } from '../kafka/broker.js';
import type { Assignment } from '../assignment.js';
import { decodeCompletedOffsets } from '../offsets/completed-offsets.js';
import { continueAfter, stopAtUnreadable, type Continuation } from '../offsets/log-problems.js';
import type { ResolvedOptions } from '../options.js';
import { UnreadableRecordsError } from '../records/unreadable-records.js';
import type { ConsumedRecord } from '../record.js';
import { nextToDrain } from './even-draining.js';
import type { Scheduler } from './scheduler.js';

/** Records taken from one partition before the others are looked at again. */
const RUN = 64;

/** What the intake needs to know of the membership. */
export interface Membership {
  assignments(): Iterable<Assignment>;
  /** Whether records of the assignment are wanted right now: not while it is gone, rejoining or draining. */
  takes(assignment: Assignment): boolean;
  /** Whether the group's coordinator answers: what is taken while it doesn't may be another member's work by then. */
  isInTouch(): boolean;
  /** Gives the assignment up for a new one of the same partition, which has not begun. */
  replace(assignment: Assignment): Assignment;
}

/**
 * Reads the assigned partitions, two fetches ahead at most, and takes records into the window while there is room, each
 * exactly once for each assignment: from the partition that is furthest behind, so that all advance together.
 */
export class Intake {
  /** Records taken since the start. */
  taken = 0;
  /** Records that a commit's map had as finished, since the start. */
  skippedAsCompleted = 0;
  /** The offset whose span was last told of. */
  private readonly toldOf = new WeakMap<Assignment, number>();
  private runs = 0;
  private isPulling = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: Broker,
    private readonly scheduler: Scheduler,
    private readonly runner: TaskRunner,
    private readonly membership: Membership,
  ) {}

  /** Learns from the coordinator where the group left these partitions, and reads on there. */
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
        logger.warn({ reason: String(error) }, 'committed offsets not learnt yet: asking again');
      }
    }
  }

  /** Takes records while there is room and something to take. Cheap when there isn't. */
  pull(): void {
    // A handler that ends at once would come back here from within.
    if (this.isPulling) return;
    this.isPulling = true;
    try {
      while (!this.scheduler.isFull() && this.membership.isInTouch()) {
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

  private beginAt(assignment: Assignment, { offset, from, metadata, logId, leaderEpoch }: CommittedPosition): void {
    const map = decodeCompletedOffsets(metadata, from);
    assignment.begin({
      offset: from,
      committed: offset,
      logId: map?.logId ?? logId,
      leaderEpoch,
      finished: map?.finished ?? [],
    });
    void this.readOn(assignment);
  }

  /** Reads ahead while the buffer has room. */
  private async readOn(assignment: Assignment): Promise<void> {
    if (assignment.isReading) return;
    assignment.isReading = true;
    const { topic, partition, epochs } = assignment;
    while (!assignment.revoked && assignment.stopped === undefined && assignment.buffer.hasRoom) {
      const { nextRead: offset, logId } = assignment;
      const answer = await this.broker.read({ topic, partition, offset, logId, leaderEpoch: epochs.at(offset - 1) });
      // It may have been revoked or stopped while the read was open.
      if (answer === undefined || assignment.revoked || assignment.stopped !== undefined) break;
      if (answer.type === 'records') this.buffered(assignment, answer);
      else this.resolveProblem(assignment, answer);
    }
    assignment.isReading = false;
  }

  private buffered(assignment: Assignment, batch: FetchedBatch): void {
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
    // Behind what is buffered, whose records are still to be taken.
    this.buffered(assignment, nothingBetween(assignment, next.offset));
  }

  private restart(assignment: Assignment, { offset, logId }: Continuation): void {
    assignment.begin({ offset, committed: undefined, logId, leaderEpoch: undefined, finished: [] });
    void this.readOn(assignment);
  }

  /** Partitions that a record can be taken from now, with its timestamp. */
  private *candidates(): Generator<{ readonly assignment: Assignment; readonly timestamp: number }> {
    for (const assignment of this.membership.assignments()) {
      if (!this.membership.takes(assignment) || !this.scheduler.hasShare(assignment)) continue;
      const timestamp = this.nextTimestamp(assignment);
      if (timestamp !== undefined) yield { assignment, timestamp };
    }
  }

  /** @returns undefined when there is nothing to be taken, or it may not be */
  private nextTimestamp(assignment: Assignment): number | undefined {
    const { buffer } = assignment;
    try {
      while (buffer.current !== undefined) {
        const record = buffer.peek();
        if (record === undefined) this.endFetch(assignment, buffer.current);
        else return this.isOverSpan(record.offset, assignment) ? undefined : record.timestamp;
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
      if (tracker.wasFinishedBefore(record.offset)) {
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

  /** All of a fetch is taken: what is not finished by now gets bytes of its own, and more can be read. */
  private endFetch(assignment: Assignment, { fetchOffset, lastOffset }: FetchedBatch): void {
    const { buffer, tracker } = assignment;
    buffer.shift();
    tracker.skipTo(lastOffset + 1);
    for (const { record } of tracker.unfinishedFrom(fetchOffset)) record.detach?.();
    void this.readOn(assignment);
  }

  /** Taking on behind a record that doesn't finish would let a crash repeat it all. Told once for each record that holds it up. */
  private isOverSpan(offset: number, assignment: Assignment): boolean {
    const { topic, partition, tracker } = assignment;
    const { maxUncommittedOffsets, logger } = this.options;
    if (offset < tracker.committable + maxUncommittedOffsets) return false;
    // Nothing below will come any more: without this a gap longer than the span would stop the partition.
    tracker.skipTo(offset);
    if (offset < tracker.committable + maxUncommittedOffsets) return false;
    if (this.toldOf.get(assignment) !== tracker.committable) {
      this.toldOf.set(assignment, tracker.committable);
      logger.warn(
        { topic, partition, offset: tracker.committable, span: tracker.span },
        'nothing more is taken from a partition: its oldest unfinished record is too far behind',
      );
    }
    return true;
  }
}

/** A fetch without records: offsets that Kafka no longer has. */
function nothingBetween(assignment: Assignment, to: number): FetchedBatch {
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
