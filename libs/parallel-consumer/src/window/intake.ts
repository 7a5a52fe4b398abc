import { backOffMs } from '../back-off.js';
import type { TaskRunner } from '../attempts/task-runner.js';
import type { Broker, CommittedPosition, FetchedBatch } from '../kafka/broker.js';
import type { Assignment } from '../assignment.js';
import { decodeFinished } from '../offsets/finished-map.js';
import type { ResolvedOptions } from '../options.js';
import type { Scheduler } from './scheduler.js';
import type { Waiters } from './waiters.js';

/** How often a full window tells the group that it lives, while it waits for room. */
const HEARTBEAT_WHILE_FULL_MS = 300;

/** What the intake needs to know of the membership. */
export interface Membership {
  assignments(): Iterable<Assignment>;
  /** Whether records of the assignment are wanted right now: not while it is gone, rejoining or draining. */
  takes(assignment: Assignment): boolean;
}

/** Takes fetched records into the window while there is room, each exactly once for each assignment. */
export class Intake {
  /** Records taken since the start. */
  taken = 0;
  /** Records that a commit's map had as finished, since the start. */
  spared = 0;
  /** What was committed for assignments whose first record hasn't come yet. */
  private readonly starts = new WeakMap<Assignment, CommittedPosition>();
  /** The offset whose span was last told of. */
  private readonly toldOf = new WeakMap<Assignment, number>();

  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: Broker,
    private readonly scheduler: Scheduler,
    private readonly runner: TaskRunner,
    private readonly progress: Waiters,
    private readonly membership: Membership,
  ) {}

  /** @returns the offset to fetch next when not all was taken */
  async fetched(batch: FetchedBatch, assignment: Assignment): Promise<number | undefined> {
    if (!assignment.begun) await this.begin(assignment, () => batch.heartbeat());
    const { frontier } = assignment;
    if (!this.membership.takes(assignment)) return batch.fetchOffset;
    if (batch.fetchOffset > frontier.next) return this.refused(batch, assignment);
    assignment.highWatermark = batch.highWatermark;
    const from = frontier.next;
    try {
      const left = await this.take(batch, assignment);
      if (left === undefined) frontier.skipTo(batch.lastOffset + 1);
      return left;
    } finally {
      for (const { record } of frontier.unfinishedFrom(from)) record.detach?.();
      assignment.noteTimestamp();
    }
  }

  /** Nothing is there to be taken from one offset up to another. For some partitions that is all that there is to be told. */
  async skipped(assignment: Assignment, from: number, to: number): Promise<void> {
    if (!assignment.begun) await this.begin(assignment);
    if (assignment.begun && from <= assignment.frontier.next) assignment.frontier.skipTo(to);
  }

  private async take(batch: FetchedBatch, assignment: Assignment): Promise<number | undefined> {
    const { frontier } = assignment;
    const { clock, maxSpan } = this.options;
    let now = clock.now();
    let spanEnd = frontier.committable + maxSpan;
    for (const record of batch.records) {
      const { offset } = record;
      if (offset < frontier.next) continue;
      if (frontier.wasFinishedBefore(offset)) {
        frontier.skipTo(offset + 1);
        this.spared += 1;
        continue;
      }
      if (this.scheduler.isFull() || !this.scheduler.hasShare(assignment)) {
        await this.room(batch, assignment);
        if (!this.membership.takes(assignment) || !this.scheduler.hasShare(assignment)) return offset;
        now = clock.now();
        // Another fetch of the same records may have come by meanwhile, where the partition has moved to another broker.
        if (offset < frontier.next) continue;
      }
      if (offset >= spanEnd) {
        // Nothing below will come any more: without this a gap longer than the span would stop the partition.
        frontier.skipTo(offset);
        spanEnd = frontier.committable + maxSpan;
        if (offset >= spanEnd) return this.overSpan(offset, assignment);
      }
      frontier.received(this.scheduler.take(record, assignment, now));
      assignment.lastTaken = record;
      this.taken += 1;
      this.runner.pump();
    }
    return undefined;
  }

  /** Learns from the coordinator where the group left the partition: kafkajs knows the offset, but not the map with it. */
  private async begin(assignment: Assignment, heartbeat?: () => Promise<void>): Promise<void> {
    for (let failures = 1; !assignment.begun && this.membership.takes(assignment); failures += 1) {
      const start = this.starts.get(assignment);
      if (start !== undefined) {
        assignment.begin(start.from, start.offset, decodeFinished(start.metadata, start.from));
        return;
      }
      try {
        await this.askForStarts();
      } catch (error) {
        this.options.logger.warn({ reason: String(error) }, 'committed offsets not learnt yet: asking again');
        await this.progress.wait(
          this.options.clock,
          backOffMs(this.options.environmentBackOff, failures, () => 1),
        );
        await heartbeat?.();
      }
    }
  }

  private async askForStarts(): Promise<void> {
    const open = [...this.membership.assignments()].filter((each) => !each.begun && !this.starts.has(each));
    for (const position of await this.broker.committed(open)) {
      const assignment = open.find(
        ({ topic, partition }) => topic === position.topic && partition === position.partition,
      );
      if (assignment !== undefined) this.starts.set(assignment, position);
    }
  }

  /** A fetch of an earlier membership may come after the partition was away and back: it begins too far on. */
  private refused({ topic, partition, fetchOffset }: FetchedBatch, { frontier }: Assignment): number {
    this.options.logger.warn(
      { topic, partition, fetchOffset, expected: frontier.next },
      'a fetch began beyond the next record: fetching from there again',
    );
    return frontier.next;
  }

  /** Taking on behind a record that doesn't finish would let a crash repeat it all. Told once for each record that holds it up. */
  private overSpan(offset: number, assignment: Assignment): number {
    const { topic, partition, frontier } = assignment;
    if (this.toldOf.get(assignment) === frontier.committable) return offset;
    this.toldOf.set(assignment, frontier.committable);
    this.options.logger.warn(
      { topic, partition, offset: frontier.committable, span: frontier.span },
      'nothing more is taken from a partition: its oldest unfinished record is too far behind',
    );
    return offset;
  }

  /**
   * Waits for room in the window, telling the group meanwhile that this member lives. Ends early when nothing is taken any
   * more, or when only this partition has no share left: waiting would keep the others from being read.
   */
  private async room(batch: FetchedBatch, assignment: Assignment): Promise<void> {
    while (this.membership.takes(assignment)) {
      if (!this.scheduler.isFull() && (this.scheduler.hasShare(assignment) || this.othersHaveShare(assignment))) return;
      await this.progress.wait(this.options.clock, HEARTBEAT_WHILE_FULL_MS);
      await batch.heartbeat();
    }
  }

  private othersHaveShare(assignment: Assignment): boolean {
    for (const other of this.membership.assignments())
      if (other !== assignment && this.scheduler.hasShare(other)) return true;
    return false;
  }
}
