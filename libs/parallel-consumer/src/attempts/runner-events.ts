import type { Task } from '../assignment.js';
import type { AttemptOutcome } from '../observer.js';

/** Counts since the start; they only rise. */
export interface RunnerCounts {
  /** Records finished: handled or dead-lettered. */
  finished: number;
  deadLettered: number;
  retries: number;
  abandoned: number;
}

/** What the runner tells the rest of the engine. */
export interface RunnerEvents {
  /** Something may have made room, or ended the last running task. */
  progressed(): void;
  /** Records were let go of because their partition went. */
  handedOver(count: number): void;
  /** @param startedAt in ms since 1970 */
  attempted(outcome: AttemptOutcome, startedAt: number): void;
  /** A record is dead, and `onDeadLetter` is `stop`: it stays unfinished. */
  halted(task: Task, cause: unknown): void;
}
