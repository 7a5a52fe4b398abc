import { backOffMs } from '@orders-pipeline/clock';
import type { RuntimeSettings } from '../events/runtime-options.js';
import type { FailureKind } from '../failures/failure.js';
import type { Task } from '../partition/assignment-and-tasks.js';
import type { AttemptSettings } from './attempt-options.js';
import { RetryLog } from './retry-log.js';
import type { RunnerParts, TaskCompletion } from './task-completion.js';

/** Handles the failures that a record itself caused: retries it after a back-off, or dead-letters it. */
export class RecordFailures {
  private readonly log: RetryLog;
  /** The records that wait for a retry, each with the end of its timer. */
  private readonly waiting = new Map<Task, () => void>();
  /** The records of failed probes. */
  private aside: Task[] = [];

  constructor(
    private readonly options: AttemptSettings & RuntimeSettings,
    private readonly parts: RunnerParts,
    private readonly completion: TaskCompletion,
  ) {
    this.log = new RetryLog(options);
  }

  /** Returns whether a record that fails now is not retried. */
  isLast({ failedAttempts }: Task, kind: FailureKind): boolean {
    return kind === 'poison' || (kind === 'retriable' && failedAttempts + 1 >= this.options.maxAttempts);
  }

  /** Counts a failed attempt, and schedules a retry or dead-letters the record. */
  handle(task: Task, error: unknown, isLast: boolean): void {
    task.failedAttempts += 1;
    if (isLast) void this.completion.deadLetter(task, error);
    else this.retryLater(task, error);
  }

  /** Puts a record behind those that are ready. The failure does not count. */
  tryAgain(task: Task): void {
    const { scheduler, events, pump } = this.parts;
    scheduler.postponed(task);
    this.resume(task);
    events.progressed();
    // A probe may be due: after the in-flight limit was lowered, it may have found no room until this attempt ended.
    pump();
  }

  /** Lets a record whose probe failed wait until `resumeAside`, so that others can probe, and be taken. The failure does not count. */
  setAside(task: Task): void {
    this.parts.scheduler.postponed(task);
    this.aside.push(task);
    this.parts.events.progressed();
  }

  /** Makes the records ready again that were set aside. */
  resumeAside(): void {
    const tasks = this.aside;
    this.aside = [];
    for (const task of tasks) this.resume(task);
  }

  /** Ends all waits, and hands the records over: their partitions must be revoked. */
  stop(): void {
    for (const [task, cancel] of this.waiting) {
      cancel();
      this.resume(task);
    }
    this.waiting.clear();
    this.resumeAside();
  }

  /** Makes a postponed task ready again, or hands it over when its partition was revoked. */
  private resume(task: Task): void {
    const { scheduler, events } = this.parts;
    if (scheduler.readyAgain(task)) return;
    events.handedOver(1);
    events.progressed();
  }

  private retryLater(task: Task, error: unknown): void {
    const { clock, random, retryBackOff } = this.options;
    const { scheduler, events, counts, pump } = this.parts;
    counts.retries += 1;
    scheduler.postponed(task);
    const wait = backOffMs(retryBackOff, task.failedAttempts, random);
    task.trace?.retryScheduled(wait);
    this.log.retrying(task, error, wait);
    const cancel = clock.after(wait, () => {
      this.waiting.delete(task);
      this.resume(task);
      pump();
    });
    this.waiting.set(task, cancel);
    events.progressed();
    pump();
  }
}
