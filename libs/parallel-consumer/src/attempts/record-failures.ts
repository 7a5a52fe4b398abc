import { backOffMs } from '@orders-pipeline/clock';
import type { RuntimeSettings } from '../events/runtime-options.js';
import type { FailureKind } from '../failures/failure.js';
import type { Task } from '../partition/assignment.js';
import type { AttemptSettings } from './attempt-options.js';
import { RetryLog } from './retry-log.js';
import type { RunnerParts, TaskCompletion } from './task-completion.js';

/** Handles the failures that a record itself caused: retries it after a back-off, or dead-letters it. */
export class RecordFailures {
  private readonly log: RetryLog;

  constructor(
    private readonly options: AttemptSettings & RuntimeSettings,
    private readonly parts: RunnerParts,
    private readonly completion: TaskCompletion,
  ) {
    this.log = new RetryLog(options);
  }

  /** Returns whether a record that fails now is not retried. */
  isLast({ failedAttempts }: Task, kind: FailureKind): boolean {
    return kind === 'poison' || failedAttempts + 1 >= this.options.maxAttempts;
  }

  /** Schedules a retry or dead-letters the record. */
  record(task: Task, error: unknown, kind: FailureKind): void {
    if (task.assignment.revoked) return this.completion.handOver(task);
    const isLast = this.isLast(task, kind);
    task.failedAttempts += 1;
    if (isLast) void this.completion.deadLetter(task, error);
    else this.retryLater(task, error);
  }

  /** Makes a postponed task ready again, or hands it over when its partition was revoked. */
  resume(task: Task): void {
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
    this.log.retrying(task, error, wait);
    clock.after(wait, () => {
      this.resume(task);
      pump();
    });
    events.progressed();
    pump();
  }
}
