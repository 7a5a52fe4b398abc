import type { ListNode } from '../intrusive-list.js';
import type { Task } from '../assignment.js';
import type { Attempt } from '../options.js';

/** An attempt while it runs. Its signal is made only for handlers that look at it: one for each record is costly. */
export class RunningAttempt implements Attempt, ListNode<RunningAttempt> {
  older: RunningAttempt | undefined;
  newer: RunningAttempt | undefined;
  readonly number: number;
  /** No longer waited for: whatever its handler still does or says is ignored. */
  settled = false;
  private controller: AbortController | undefined;
  private reason: Error | undefined;

  constructor(
    readonly task: Task,
    /** Its place among all attempts, for the suspension. */
    readonly sequence: number,
    /** Milliseconds since 1970. */
    readonly startedAt: number,
  ) {
    this.number = task.failedAttempts + 1;
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.reason !== undefined) this.controller.abort(this.reason);
    return this.controller.signal;
  }

  abort(reason: Error): void {
    this.reason ??= reason;
    this.controller?.abort(this.reason);
  }
}

/** An attempt passed its time limit and the grace after it: it counts as failed, and may still be running. */
export class AttemptAbandonedError extends Error {
  override readonly name = 'AttemptAbandonedError';
  readonly code = 'attempt-abandoned';
}

/** A record held its partition's commit back for longer than `stalledRecordDeadLetterMs`. */
export class StalledRecordError extends Error {
  override readonly name = 'StalledRecordError';
  readonly code = 'tracker-held';
}
