import { type Assignment, Task } from '../partition/assignment-and-tasks.js';
import { estimateBytes, type ConsumedRecord } from '../records/record.js';
import { scopeOf, type Ordering } from './ordering.js';
import type { Pauses } from './pauses.js';
import { FairQueue } from '../structures/fair-queue.js';
import { hashKey } from '../partition/key-queues.js';

/** Limits of the records in memory. */
export interface WindowLimits {
  /** Records in the handler at once. */
  readonly inFlight: number;
  /** Records in the handler or waiting. */
  readonly maxBuffered: number;
  /** Total size of all taken records, in bytes. */
  readonly maxBytes: number;
}

/**
 * Limits one partition to this many times the free part of the window (dynamic thresholds: Choudhury and Hahne, "Dynamic Queue
 * Length Thresholds for Shared-Memory Packet Switches", IEEE/ACM ToN 1998). A single busy partition can use 2/3 of the window,
 * each of twelve busy ones 2/25, and some room always stays free for a partition that becomes active. Fixed shares would leave
 * most of the window idle. Without shares a stalled key could fill the window and block all other partitions.
 */
const SHARE_OF_FREE = 2;

/** Decides which records are taken and which task runs next. Synchronous, without I/O: it neither runs tasks nor waits. */
export class Scheduler {
  private readonly ready = new FairQueue<Task>();
  /** Tasks that may run except that they are paused. They keep their keys, so that no other task of a key overtakes them. */
  private readonly pausedTasks = new Set<Task>();
  private runningCount = 0;
  private takenCount = 0;
  private takenBytes = 0;
  private postponedCount = 0;
  private abandonedCount = 0;

  constructor(
    readonly ordering: Ordering,
    private limits: WindowLimits,
    private readonly pauses: Pauses,
  ) {}

  get running(): number {
    return this.runningCount;
  }

  get taken(): number {
    return this.takenCount;
  }

  get bytes(): number {
    return this.takenBytes;
  }

  /** Records that wait for an earlier record of their key or partition. */
  get waitingInOrder(): number {
    return this.takenCount - this.runningCount - this.ready.size - this.postponedCount - this.pausedTasks.size;
  }

  /** Records that wait for their next attempt. */
  get waitingForRetry(): number {
    return this.postponedCount;
  }

  /** Records that could run except that they are paused. */
  get waitingForResume(): number {
    return this.pausedTasks.size;
  }

  get inFlightLimit(): number {
    return this.limits.inFlight;
  }

  /**
   * Sets how many abandoned attempts are still running. As many as the in-flight limit take no place of other attempts, further ones do,
   * except the last place: so at most twice the limit run, plus one for each time limit that passes.
   */
  set abandoned(count: number) {
    this.abandonedCount = count;
  }

  /** Whether no further attempt may start. */
  get isLimitReached(): boolean {
    const { inFlight } = this.limits;
    if (this.abandonedCount <= inFlight) return this.runningCount >= inFlight;
    return this.runningCount >= Math.max(1, 2 * inFlight - this.abandonedCount);
  }

  /** Changes the limits. Records that already exceed them keep running. */
  resize(limits: WindowLimits): void {
    this.limits = limits;
  }

  /**
   * Whether enough records are running or ready. Ready records may fill 25 % of the in-flight limit, so that a free slot never
   * waits for the network. All others must wait behind their keys.
   */
  isFull(): boolean {
    return this.runningCount + this.ready.size >= 1.25 * this.limits.inFlight;
  }

  /**
   * Whether refilling the window is worthwhile. The threshold lies between full and the first idle slot: each refill costs a
   * timer and a heartbeat, which many records then share.
   */
  hasSlack(): boolean {
    return this.runningCount + this.ready.size < 1.125 * this.limits.inFlight;
  }

  /** Whether a task may not start because it is paused, or because its partition leaves this member. */
  isPaused({ record, assignment }: Task): boolean {
    return assignment.isLeaving || this.pauses.has(record);
  }

  /** Whether records of the partition may be taken now: not while it leaves or its topic is paused, and not beyond its share of the window. */
  mayTake(assignment: Assignment): boolean {
    return !assignment.isLeaving && !this.pauses.hasTopic(assignment.topic) && this.hasShare(assignment);
  }

  /** Whether the window has room for another record of the partition. */
  hasShare({ taken, takenBytes }: Assignment): boolean {
    const { maxBuffered, maxBytes } = this.limits;
    return (
      taken < SHARE_OF_FREE * (maxBuffered - this.takenCount) &&
      takenBytes < SHARE_OF_FREE * (maxBytes - this.takenBytes)
    );
  }

  /** Whether `next` would return a task, unless all that are ready are paused. */
  hasReady(): boolean {
    return this.ready.size > 0 && !this.isLimitReached;
  }

  /** Adds a record to the window. @param now milliseconds since 1970 */
  take(record: ConsumedRecord, assignment: Assignment, now: number): Task {
    const bytes = estimateBytes(record);
    // Read once: each access to the key creates a new slice.
    const key = this.ordering === 'key' ? record.key : null;
    const task = new Task(record, assignment, scopeOf(this.ordering, key), key === null ? 0 : hashKey(key), bytes, now);
    this.takenCount += 1;
    this.takenBytes += bytes;
    assignment.taken += 1;
    assignment.takenBytes += bytes;
    if (task.order === 'nothing' || assignment.keys.enter(task, key)) this.ready.push(assignment.ready, task);
    return task;
  }

  /** Returns the next task and counts it as running. @returns undefined when none may start */
  next(): Task | undefined {
    while (this.hasReady()) {
      const task = this.ready.shift();
      if (task === undefined) return undefined;
      if (!this.isPaused(task)) {
        this.started(task);
        return task;
      }
      this.pausedTasks.add(task);
    }
    return undefined;
  }

  /** Makes tasks ready again that are not paused any more. */
  resume(): void {
    for (const task of this.pausedTasks) {
      if (this.isPaused(task)) continue;
      this.pausedTasks.delete(task);
      this.ready.push(task.assignment.ready, task);
    }
  }

  /**
   * Lets the task behind a running one of the same key run together with it.
   * @returns that task; undefined when there is none, or the in-flight limit is reached
   */
  join(task: Task): Task | undefined {
    const next = task.behind;
    if (next === undefined || next.deadLetterCause !== undefined || this.isPaused(next)) return undefined;
    if (task.assignment.revoked || this.isLimitReached) return undefined;
    this.started(next);
    next.isJoined = true;
    return next;
  }

  /**
   * Ends a joined task that was not tried.
   * @param holdsKey whether all tasks before it have finished, so that it may run now; otherwise it waits again
   * @returns false when its partition was revoked meanwhile
   */
  endUntried(task: Task, holdsKey: boolean): boolean {
    this.ended(task);
    task.isJoined = false;
    return this.waitAgain(task, holdsKey);
  }

  /** Removes a task that is done or dead-lettered, and passes its key to the next task. */
  finished(task: Task): void {
    this.ended(task);
    this.release(task);
    if (task.order === 'nothing' || task.assignment.revoked) return;
    const behind = task.assignment.keys.leave(task);
    if (behind === undefined || behind.isJoined) return;
    behind.trace?.keyFree();
    this.ready.push(task.assignment.ready, behind);
  }

  /** Frees the slot of a task that waits for a retry. The task keeps its key, so that no other task of the key overtakes it. */
  postponed(task: Task): void {
    this.ended(task);
    task.isJoined = false;
    this.postponedCount += 1;
  }

  /** Makes a postponed task ready again. @returns false when its partition was revoked meanwhile */
  readyAgain(task: Task): boolean {
    this.postponedCount -= 1;
    return this.waitAgain(task, true);
  }

  /** Releases all tasks of a revoked assignment that do not run. @returns how many are handed over */
  handOver(assignment: Assignment): number {
    const paused = [...this.pausedTasks].filter((task) => task.assignment === assignment);
    for (const task of paused) this.pausedTasks.delete(task);
    const dropped = [
      ...paused,
      ...this.ready.drainLane(assignment.ready),
      ...assignment.keys.drain().filter(({ isJoined }) => !isJoined),
    ];
    for (const task of dropped) this.releaseToNextOwner(task);
    return dropped.length;
  }

  private started({ assignment }: Task): void {
    this.runningCount += 1;
    assignment.running += 1;
  }

  private ended({ assignment }: Task): void {
    this.runningCount -= 1;
    assignment.running -= 1;
  }

  private waitAgain(task: Task, holdsKey: boolean): boolean {
    if (task.assignment.revoked) this.releaseToNextOwner(task);
    else if (holdsKey) this.ready.push(task.assignment.ready, task);
    return !task.assignment.revoked;
  }

  private releaseToNextOwner(task: Task): void {
    task.trace?.ended('handed-over');
    this.release(task);
  }

  private release({ assignment, bytes }: Task): void {
    this.takenCount -= 1;
    this.takenBytes -= bytes;
    assignment.taken -= 1;
    assignment.takenBytes -= bytes;
  }
}
