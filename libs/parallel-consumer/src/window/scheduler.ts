import type { Assignment, Task } from '../offsets/assignment.js';
import { FairQueue } from './fair-queue.js';
import { sizeOf, type ConsumedRecord } from '../record.js';

/**
 * What keeps its order, and what that costs.
 *
 * - `unordered`: nothing. Any `inFlight` records run at once. Not guaranteed: any order at all.
 * - `key` (the default): records of one key run one after another, in offset order, whatever the retries. Bound: the rate
 *   can't pass min(inFlight, busy keys) / mean handler time. Records without a key are unordered. Not guaranteed: an order
 *   between keys; the place of a dead-lettered record, which leaves its key's order.
 * - `partition`: records of one partition run one after another. Bound: partitions / mean handler time.
 */
export type Ordering = 'unordered' | 'key' | 'partition';

/** The bounds of what is in memory. */
export interface WindowLimits {
  /** Records in the handler at once. */
  inFlight: number;
  /** Records in the handler or waiting for their key: with few busy keys some twenty times `inFlight` are needed. */
  maxTaken: number;
  /** Bytes of all taken records. */
  maxBytes: number;
}

/** Decides what runs next. Pure: it starts nothing and waits for nothing. */
export class Scheduler {
  private readonly ready = new FairQueue<Assignment, Task>();
  private runningCount = 0;
  private takenCount = 0;
  private takenBytes = 0;

  constructor(
    private readonly ordering: Ordering,
    private readonly limits: WindowLimits,
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

  /**
   * Whether another record may be taken. A quarter as many as may run may stand ready, so that a free slot never waits for
   * the network; all beyond that must be waiting behind their keys.
   */
  hasRoom(): boolean {
    const { inFlight, maxTaken, maxBytes } = this.limits;
    const standing = this.runningCount + this.ready.size;
    return standing < 1.25 * inFlight && this.takenCount < maxTaken && this.takenBytes < maxBytes;
  }

  /** Whether `next` would give a task. */
  hasReady(): boolean {
    return this.ready.size > 0 && this.runningCount < this.limits.inFlight;
  }

  take(record: ConsumedRecord, assignment: Assignment): void {
    const task: Task = { record, assignment, key: this.keyOf(record), bytes: sizeOf(record), failedAttempts: 0 };
    this.takenCount += 1;
    this.takenBytes += task.bytes;
    if (task.key === null || assignment.keys.enter(task.key, task)) this.ready.push(assignment, task);
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
    if (task.key === null || task.assignment.revoked) return;
    const behind = task.assignment.keys.leave(task.key);
    if (behind !== undefined) this.ready.push(task.assignment, behind);
  }

  /** The task stops running for now and keeps its key, so that nothing of the key overtakes it. */
  paused(): void {
    this.runningCount -= 1;
  }

  /** A paused task may run again. */
  resumed(task: Task): void {
    if (task.assignment.revoked) this.release(task);
    else this.ready.push(task.assignment, task);
  }

  /** Lets go of all tasks of a revoked assignment that don't run. @returns how many are handed over */
  handOver(assignment: Assignment): number {
    const dropped = [...this.ready.drainLane(assignment), ...assignment.keys.drain()];
    for (const task of dropped) this.release(task);
    return dropped.length;
  }

  private release(task: Task): void {
    this.takenCount -= 1;
    this.takenBytes -= task.bytes;
  }

  private keyOf(record: ConsumedRecord): string | null {
    switch (this.ordering) {
      case 'unordered':
        return null;
      case 'partition':
        return '';
      case 'key':
        return record.key === null ? null : record.key.toString('latin1');
    }
  }
}
