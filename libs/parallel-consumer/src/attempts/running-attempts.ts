import { IntrusiveList } from '../structures/intrusive-list.js';
import type { Assignment, Task } from '../partition/assignment-and-tasks.js';
import type { RunningAttempt } from './running-attempt.js';

/** The running attempts that were not abandoned, in start order. */
export class RunningAttempts {
  /** Number of abandoned attempts whose handlers have not ended. */
  abandoned = 0;
  private readonly attempts = new IntrusiveList<RunningAttempt>();
  /** Those attempts. Weak, since a promise that nothing refers to any more never ends. */
  private readonly late = new WeakSet<RunningAttempt>();

  add(attempt: RunningAttempt): void {
    this.attempts.add(attempt);
  }

  /** Removes an attempt that has ended or is abandoned. @returns false when it was removed before */
  settle(attempt: RunningAttempt): boolean {
    if (attempt.settled) return false;
    attempt.settled = true;
    this.attempts.remove(attempt);
    return true;
  }

  /** Removes an attempt whose handler goes on. */
  abandon(attempt: RunningAttempt): void {
    this.settle(attempt);
    this.late.add(attempt);
    this.abandoned += 1;
  }

  /** Called when the handler of a removed attempt has ended. */
  endedLate(attempt: RunningAttempt): void {
    if (this.late.delete(attempt)) this.abandoned -= 1;
  }

  /** Returns the running attempt of a task, if any. */
  find(task: Task): RunningAttempt | undefined {
    for (const attempt of this.attempts) if (attempt.task === task) return attempt;
    return undefined;
  }

  /** Yields the attempts that started at or before `time`, oldest first. The caller may settle the current one. */
  *olderThan(time: number): Generator<RunningAttempt> {
    for (const attempt of this.attempts) {
      if (attempt.startedAt > time) return;
      yield attempt;
    }
  }

  /** Aborts the attempts of a revoked assignment, whose next owner handles their records again, or all. */
  abort(reason: Error, assignment?: Assignment): void {
    for (const attempt of this.attempts) {
      if (assignment !== undefined && attempt.task.assignment !== assignment) continue;
      attempt.abort(reason);
      if (assignment === undefined) continue;
      endTrace(attempt);
      attempt.joined?.forEach(endTrace);
    }
  }
}

/** Whatever the handler still does, it ends no record of this member. */
function endTrace({ task }: Pick<RunningAttempt, 'task'>): void {
  task.trace?.ended('handed-over');
  task.trace = undefined;
}
