import type { ListNode } from '../structures/intrusive-list.js';
import type { Task } from '../partition/assignment-and-tasks.js';
import type { ConsumedRecord } from '../records/record.js';
import type { RecordTrace } from '../events/record-tracer.js';
import type { Attempt, OpenRecord, TakenRecord } from './record-handler.js';

/** What an attempt reports to. */
export interface AttemptOwner {
  /** Whether this member may begin work now: not after it has lost contact to its group. */
  mayStart(): boolean;
  /** Starts the next record of the attempt's key together with it, if one waits and may start. */
  takeNext(attempt: RunningAttempt): JoinedAttempt | undefined;
  succeeded(attempt: RunningAttempt): void;
  failed(attempt: RunningAttempt, error: unknown): void;
  isDuringOutage(attempt: RunningAttempt): boolean;
}

/** A running attempt. It creates its abort signal only when the handler reads it: one signal per record is expensive. */
export class RunningAttempt implements Attempt, OpenRecord, ListNode<RunningAttempt> {
  older: RunningAttempt | undefined;
  newer: RunningAttempt | undefined;
  readonly number: number;
  /** True once the attempt has ended or was abandoned: a later result of its handler is ignored. */
  settled = false;
  /** The attempts of later records of its key that end together with this one, in their order. */
  joined: JoinedAttempt[] | undefined;
  private wasRefused = false;
  private controller: AbortController | undefined;
  private reason: Error | undefined;

  constructor(
    readonly task: Task,
    /** Its sequence number in the circuit breaker. */
    readonly sequence: number,
    /** Milliseconds since 1970. */
    readonly startedAt: number,
    private readonly owner: AttemptOwner,
  ) {
    this.number = task.failedAttempts + 1;
  }

  get record(): ConsumedRecord {
    return this.task.record;
  }

  get attempt(): this {
    return this;
  }

  get fence(): number {
    return this.task.assignment.fence;
  }

  get trace(): RecordTrace | undefined {
    return this.task.trace;
  }

  get isAborted(): boolean {
    return this.reason !== undefined;
  }

  get isCurrent(): boolean {
    const isCurrent = !this.settled && this.reason === undefined && this.owner.mayStart();
    this.wasRefused ||= !isCurrent;
    return isCurrent;
  }

  /** Whether a handler may have begun nothing because of `isCurrent`: contact to the group can be back by the time of its report. */
  get mayBeWithdrawn(): boolean {
    return this.wasRefused || !this.isCurrent;
  }

  get isDuringOutage(): boolean {
    return this.owner.isDuringOutage(this);
  }

  takeNext(): TakenRecord | undefined {
    return this.owner.takeNext(this);
  }

  report(error?: Error): void {
    if (error === undefined) this.owner.succeeded(this);
    else this.owner.failed(this, error);
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

/** The attempt of a record that was taken together with an earlier one of its key. */
export class JoinedAttempt implements TakenRecord {
  readonly number: number;
  /** Both are unset until the result is reported. */
  hasSucceeded = false;
  error: Error | undefined;

  constructor(
    readonly task: Task,
    readonly sequence: number,
    readonly startedAt: number,
    private readonly first: RunningAttempt,
  ) {
    this.number = task.failedAttempts + 1;
  }

  get record(): ConsumedRecord {
    return this.task.record;
  }

  get attempt(): this {
    return this;
  }

  get fence(): number {
    return this.first.fence;
  }

  get trace(): RecordTrace | undefined {
    return this.task.trace;
  }

  get isCurrent(): boolean {
    return this.first.isCurrent;
  }

  get signal(): AbortSignal {
    return this.first.signal;
  }

  report(error?: Error): void {
    this.hasSucceeded = error === undefined;
    this.error = error;
  }
}

/** An attempt that has ended. */
export type EndedAttempt = Pick<RunningAttempt, 'task' | 'sequence' | 'startedAt' | 'number'>;

/** The reason of the signal of an attempt that exceeded its time limit. Many handlers throw it, or an error that it is the `cause` of. */
export class AttemptTimeoutError extends Error {
  override readonly name = 'AttemptTimeoutError';
  readonly code = 'attempt-timeout';
}

/** An attempt exceeded its time limit and the grace period after it. It failed, and may still be running. */
export class AttemptAbandonedError extends Error {
  override readonly name = 'AttemptAbandonedError';
  readonly code = 'attempt-abandoned';
}

/**
 * Nothing was begun for an attempt that is not current any more (`isCurrent`). A handler may throw or report it: the record counts as not tried, and is
 * handled again, by this member or by the partition's next owner. For an attempt that is still current, it is a failure like any other.
 */
export class AttemptWithdrawnError extends Error {
  override readonly name = 'AttemptWithdrawnError';
  readonly code = 'attempt-withdrawn';

  constructor() {
    super('nothing was begun: the attempt was aborted, or the consumer has no contact to its group');
  }
}

/** A record delayed its partition's commit for longer than `stalledRecordDeadLetterMs`. */
export class StalledRecordError extends Error {
  override readonly name = 'StalledRecordError';
  readonly code = 'stalled-record';
}
