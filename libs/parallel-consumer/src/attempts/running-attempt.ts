import type { ListNode } from '../structures/intrusive-list.js';
import type { Task } from '../partition/assignment.js';
import type { Attempt } from './record-handler.js';

/** A running attempt. It creates its abort signal only when the handler reads it: one signal per record is expensive. */
export class RunningAttempt implements Attempt, ListNode<RunningAttempt> {
  older: RunningAttempt | undefined;
  newer: RunningAttempt | undefined;
  readonly number: number;
  /** True once the attempt has ended or was abandoned: a later result of its handler is ignored. */
  settled = false;
  private controller: AbortController | undefined;
  private reason: Error | undefined;

  constructor(
    readonly task: Task,
    /** Its sequence number in the circuit breaker. */
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

/** An attempt exceeded its time limit and the grace period after it. It counts as failed and may still be running. */
export class AttemptAbandonedError extends Error {
  override readonly name = 'AttemptAbandonedError';
  readonly code = 'attempt-abandoned';
}

/** A record delayed its partition's commit for longer than `stalledRecordDeadLetterMs`. */
export class StalledRecordError extends Error {
  override readonly name = 'StalledRecordError';
  readonly code = 'stalled-record';
}
