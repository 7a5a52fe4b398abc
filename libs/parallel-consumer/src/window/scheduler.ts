import { type Assignment, Task, type OrderOf } from '../assignment.js';
import { sizeOf, type ConsumedRecord } from '../record.js';
import { FairQueue } from './fair-queue.js';
import { hashOf } from './key-queues.js';

/**
 * What keeps its order, and what that costs.
 *
 * - `unordered`: nothing. Any `inFlight` records run at once. Bound: inFlight / mean handler time. Not guaranteed: any order.
 * - `key` (the default): records of one key run one after another, in offset order, whatever the retries. Bound: the rate
 *   can't pass min(inFlight, busy keys) / mean handler time. Records without a key are unordered. Not guaranteed: an order
 *   between keys; the place of a dead-lettered record, which leaves its key's order; the order of a key after an abandoned
 *   attempt, which may still be running.
 * - `partition`: records of one partition run one after another, in offset order. Bound: min(inFlight, partitions) / mean
 *   handler time. Not guaranteed: an order between partitions, and the same exceptions.
 */
export type Ordering = 'unordered' | 'key' | 'partition';

/** The bounds of what is in memory. */
export interface WindowLimits {
  /** Records in the handler at once. */
  readonly inFlight: number;
  /** Records in the handler or waiting for their key. */
  readonly maxBuffered: number;
  /** Bytes of all taken records. */
  readonly maxBytes: number;
}

/**
 * How much of what is left of the window one partition may hold: twice as much as is free. A single one can have two
 * thirds of the window, twelve busy ones a 25th x 2 each, and some always stays free for one that wakes up (Choudhury and
 * Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", IEEE/ACM ToN 1998). With fixed shares most
 * of the window would lie idle; with none a stalled key would fill it and stop every other partition.
 */
const SHARE_OF_FREE = 2;

/** Decides what is taken and what runs next. Pure: it starts nothing and waits for nothing. */
export class Scheduler {
  private readonly ready = new FairQueue<Task>();
  private runningCount = 0;
  private takenCount = 0;
  private takenBytes = 0;

  constructor(
    private readonly ordering: Ordering,
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

  get inFlightLimit(): number {
    return this.limits.inFlight;
  }

  /** New bounds from now on. What runs or is taken beyond them already is let be. */
  resize(limits: WindowLimits): void {
    this.limits = limits;
  }

  /**
   * Whether more stands ready than is needed. A quarter as many as may run may, so that a free slot never waits for
   * the network; all beyond that must be waiting behind their keys.
   */
  isFull(): boolean {
    return this.runningCount + this.ready.size >= 1.25 * this.limits.inFlight;
  }

  /**
   * Whether a full window is worth going back to. Later than it is no longer full, and still before a slot runs free: each look
   * at it costs a timer and a heartbeat, which then are shared by many records.
   */
  hasSlack(): boolean {
    return this.runningCount + this.ready.size < 1.125 * this.limits.inFlight;
  }

  /** Whether the partition may hold another record. */
  hasShare({ taken, takenBytes }: Assignment): boolean {
    const { maxBuffered, maxBytes } = this.limits;
    return (
      taken < SHARE_OF_FREE * (maxBuffered - this.takenCount) &&
      takenBytes < SHARE_OF_FREE * (maxBytes - this.takenBytes)
    );
  }

  /** Whether `next` would give a task. */
  hasReady(): boolean {
    return this.ready.size > 0 && this.runningCount < this.limits.inFlight;
  }

  take(record: ConsumedRecord, assignment: Assignment, now: number): Task {
    const bytes = sizeOf(record);
    // Read once: each time it is cut out of the record anew.
    const key = this.ordering === 'key' ? record.key : null;
    const task = new Task(record, assignment, this.orderOf(key), key === null ? 0 : hashOf(key), bytes, now);
    this.takenCount += 1;
    this.takenBytes += bytes;
    assignment.taken += 1;
    assignment.takenBytes += bytes;
    if (task.order === 'nothing' || assignment.keys.enter(task)) this.ready.push(assignment.ready, task);
    return task;
  }

  /** The next task to run, or `undefined` when none is ready or the limit is reached. */
  next(): Task | undefined {
    if (!this.hasReady()) return undefined;
    const task = this.ready.shift();
    if (task !== undefined) this.runningCount += 1;
    return task;
  }

  /** The task ended for good: its key goes to the one behind it. */
  finished(task: Task): void {
    this.runningCount -= 1;
    this.release(task);
    if (task.order === 'nothing' || task.assignment.revoked) return;
    const behind = task.assignment.keys.leave(task);
    if (behind !== undefined) this.ready.push(task.assignment.ready, behind);
  }

  /** The task stops running for now and keeps its key, so that nothing of the key overtakes it. */
  paused(): void {
    this.runningCount -= 1;
  }

  /** A paused task may run again. @returns whether it may: not when its partition went meanwhile */
  resumed(task: Task): boolean {
    if (task.assignment.revoked) this.release(task);
    else this.ready.push(task.assignment.ready, task);
    return !task.assignment.revoked;
  }

  /** Lets go of all tasks of a revoked assignment that don't run. @returns how many are handed over */
  handOver(assignment: Assignment): number {
    const dropped = [...this.ready.drainLane(assignment.ready), ...assignment.keys.drain()];
    for (const task of dropped) this.release(task);
    return dropped.length;
  }

  private release({ assignment, bytes }: Task): void {
    this.takenCount -= 1;
    this.takenBytes -= bytes;
    assignment.taken -= 1;
    assignment.takenBytes -= bytes;
  }

  private orderOf(key: Buffer | null): OrderOf {
    if (this.ordering === 'key') return key === null ? 'nothing' : 'key';
    return this.ordering === 'partition' ? 'partition' : 'nothing';
  }
}
