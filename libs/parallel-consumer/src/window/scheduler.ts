import { type Assignment, Task, type OrderScope } from '../partition/assignment.js';
import { estimateBytes, type ConsumedRecord } from '../records/record.js';
import { FairQueue } from '../structures/fair-queue.js';
import { hashKey } from '../partition/key-queues.js';

/**
 * The processing order, and the maximum rate that it allows.
 *
 * - `unordered`: no order; any `inFlight` records run at once. Maximum rate: inFlight / mean handler time.
 * - `key` (the default): records of one key run one after another in offset order, also across retries. Records without a key
 *   are unordered. Maximum rate: min(inFlight, busy keys) / mean handler time. Not guaranteed: an order between keys; the
 *   position of a dead-lettered record, which leaves its key's order; the order of a key after an abandoned attempt, which may
 *   still be running.
 * - `partition`: records of one partition run one after another in offset order. Maximum rate: min(inFlight, partitions) / mean
 *   handler time. Not guaranteed: an order between partitions, and the same exceptions as for `key`.
 */
export type Ordering = 'unordered' | 'key' | 'partition';

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
  private runningCount = 0;
  private takenCount = 0;
  private takenBytes = 0;
  private pausedCount = 0;

  constructor(
    readonly ordering: Ordering,
    private limits: WindowLimits,
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
    return this.takenCount - this.runningCount - this.ready.size - this.pausedCount;
  }

  /** Records that wait for their next attempt. */
  get waitingForRetry(): number {
    return this.pausedCount;
  }

  get inFlightLimit(): number {
    return this.limits.inFlight;
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

  /** Whether the partition may take another record. */
  hasShare({ taken, takenBytes }: Assignment): boolean {
    const { maxBuffered, maxBytes } = this.limits;
    return (
      taken < SHARE_OF_FREE * (maxBuffered - this.takenCount) &&
      takenBytes < SHARE_OF_FREE * (maxBytes - this.takenBytes)
    );
  }

  /** Whether `next` would return a task. */
  hasReady(): boolean {
    return this.ready.size > 0 && this.runningCount < this.limits.inFlight;
  }

  /** Adds a record to the window. @param now milliseconds since 1970 */
  take(record: ConsumedRecord, assignment: Assignment, now: number): Task {
    const bytes = estimateBytes(record);
    // Read once: each access to the key creates a new slice.
    const key = this.ordering === 'key' ? record.key : null;
    const task = new Task(record, assignment, this.getOrder(key), key === null ? 0 : hashKey(key), bytes, now);
    this.takenCount += 1;
    this.takenBytes += bytes;
    assignment.taken += 1;
    assignment.takenBytes += bytes;
    if (task.order === 'nothing' || assignment.keys.enter(task)) this.ready.push(assignment.ready, task);
    return task;
  }

  /** Returns the next task and counts it as running. @returns undefined when none is ready or the in-flight limit is reached */
  next(): Task | undefined {
    if (!this.hasReady()) return undefined;
    const task = this.ready.shift();
    if (task !== undefined) this.runningCount += 1;
    return task;
  }

  /**
   * Lets the task behind a running one of the same key run together with it.
   * @returns that task; undefined when there is none, or the in-flight limit is reached
   */
  join(task: Task): Task | undefined {
    const next = task.behind;
    if (next === undefined || next.deadLetterCause !== undefined) return undefined;
    if (task.assignment.revoked || this.runningCount >= this.limits.inFlight) return undefined;
    this.runningCount += 1;
    next.isJoined = true;
    return next;
  }

  /**
   * Ends a joined task that was not tried.
   * @param holdsKey whether all tasks before it have finished, so that it may run now; otherwise it waits again
   * @returns false when its partition was revoked meanwhile
   */
  parted(task: Task, holdsKey: boolean): boolean {
    this.runningCount -= 1;
    task.isJoined = false;
    return this.waitAgain(task, holdsKey);
  }

  /** Removes a task that is done or dead-lettered, and passes its key to the next task. */
  finished(task: Task): void {
    this.runningCount -= 1;
    this.release(task);
    if (task.order === 'nothing' || task.assignment.revoked) return;
    const behind = task.assignment.keys.leave(task);
    if (behind !== undefined && !behind.isJoined) this.ready.push(task.assignment.ready, behind);
  }

  /** Frees the slot of a task that waits for a retry. The task keeps its key, so that no other task of the key overtakes it. */
  paused(task: Task): void {
    this.runningCount -= 1;
    task.isJoined = false;
    this.pausedCount += 1;
  }

  /** Makes a paused task ready again. @returns false when its partition was revoked meanwhile */
  resumed(task: Task): boolean {
    this.pausedCount -= 1;
    return this.waitAgain(task, true);
  }

  /** Releases all tasks of a revoked assignment that do not run. @returns how many are handed over */
  handOver(assignment: Assignment): number {
    const dropped = [
      ...this.ready.drainLane(assignment.ready),
      ...assignment.keys.drain().filter(({ isJoined }) => !isJoined),
    ];
    for (const task of dropped) this.release(task);
    return dropped.length;
  }

  private waitAgain(task: Task, holdsKey: boolean): boolean {
    if (task.assignment.revoked) this.release(task);
    else if (holdsKey) this.ready.push(task.assignment.ready, task);
    return !task.assignment.revoked;
  }

  private release({ assignment, bytes }: Task): void {
    this.takenCount -= 1;
    this.takenBytes -= bytes;
    assignment.taken -= 1;
    assignment.takenBytes -= bytes;
  }

  private getOrder(key: Buffer | null): OrderScope {
    if (this.ordering === 'key') return key === null ? 'nothing' : 'key';
    return this.ordering === 'partition' ? 'partition' : 'nothing';
  }
}
