import { IntrusiveList } from '../intrusive-list.js';
import type { Assignment, Task } from '../assignment.js';
import type { RunningAttempt } from './running-attempt.js';

/** The attempts that somebody waits for, in the order of their start. */
export class RunningAttempts {
  private readonly attempts = new IntrusiveList<RunningAttempt>();

  add(attempt: RunningAttempt): void {
    this.attempts.add(attempt);
  }

  /** Nobody waits for it from now on. @returns whether anybody did until now */
  settle(attempt: RunningAttempt): boolean {
    if (attempt.settled) return false;
    attempt.settled = true;
    this.attempts.remove(attempt);
    return true;
  }

  /** The attempt that runs for a task, if one does. */
  of(task: Task): RunningAttempt | undefined {
    for (const attempt of this.attempts) if (attempt.task === task) return attempt;
    return undefined;
  }

  /** Those that began at that time or before, oldest first. The one at hand may be settled meanwhile. */
  *olderThan(time: number): Generator<RunningAttempt> {
    for (const attempt of this.attempts) {
      if (attempt.startedAt > time) return;
      yield attempt;
    }
  }

  /** Aborts those of an assignment, or all. */
  abort(reason: Error, assignment?: Assignment): void {
    for (const attempt of this.attempts)
      if (assignment === undefined || attempt.task.assignment === assignment) attempt.abort(reason);
  }
}
