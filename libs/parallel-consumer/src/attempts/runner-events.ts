import type { Task } from '../partition/assignment-and-tasks.js';
import type { AttemptOutcome } from '../events/observer.js';

/** Counters since the start; they never decrease. */
export interface RunnerCounts {
  /** Records finished: handled or dead-lettered. */
  finished: number;
  deadLettered: number;
  retries: number;
  abandoned: number;
}

/** Events of the task runner. */
export interface RunnerEvents {
  /** Called when a task may have made room, or may have been the last running one. */
  progressed(): void;
  /** Called when records were dropped because their partition was revoked. */
  handedOver(count: number): void;
  /** Called at the end of each attempt. @param startedAt in ms since 1970 */
  attempted(outcome: AttemptOutcome, startedAt: number): void;
  /** Called when a record would be dead-lettered and `onDeadLetter` is `stop`. The record stays unfinished. */
  halted(task: Task, cause: unknown): void;
}
