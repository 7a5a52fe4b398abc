import { AsyncLocalStorage } from 'node:async_hooks';
import type { RuntimeSettings } from '../events/runtime-options.js';
import type { Broker } from '../broker/broker.js';
import type { AttemptOutcome } from '../events/observer.js';
import type { Assignment, Task } from '../partition/assignment-and-tasks.js';
import type { AttemptSettings } from './attempt-options.js';
import type { Scheduler } from '../window/scheduler.js';
import { errorDetails, withoutThrowing, type FailureClassifier } from '../failures/failure.js';
import { JoinedAttempts } from './joined-attempts.js';
import {
  AttemptAbandonedError,
  AttemptTimeoutError,
  AttemptWithdrawnError,
  RunningAttempt,
  type AttemptOwner,
  type EndedAttempt,
  type JoinedAttempt,
} from './running-attempt.js';
import { startOf } from './reporting-handler.js';
import { RunningAttempts } from './running-attempts.js';
import type { DeadLetterPublisher } from './dead-letter-publisher.js';
import type { RunnerCounts, RunnerEvents } from './runner-events.js';
import { RecordFailures } from './record-failures.js';
import { OutcomeInterleaver } from './outcome-interleaver.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import { Suspension, type Failure } from './suspension.js';
import { TaskCompletion } from './task-completion.js';

/** Runs each task through the handler until it ends in one of the three ways of `TaskCompletion`. */
export class TaskRunner implements AttemptOwner {
  readonly suspension: Suspension;
  readonly counts: RunnerCounts = { finished: 0, deadLettered: 0, retries: 0, abandoned: 0 };
  private readonly attempts = new RunningAttempts();
  private readonly joined: JoinedAttempts;
  private readonly breaker: CircuitBreaker;
  private readonly completion: TaskCompletion;
  private readonly failures: RecordFailures;
  private readonly classify: FailureClassifier;
  private readonly outcomes = new OutcomeInterleaver<Failure>(
    () => this.suspension.handled(),
    (failure) => this.handleFailure(failure),
  );
  private draining = false;
  private isPumping = false;
  private readonly start: (attempt: RunningAttempt) => void;
  /** Leaves the context of the record that has just ended: without it, the next record would start in that one's trace. */
  private readonly outside: ReturnType<typeof AsyncLocalStorage.snapshot> | undefined;

  constructor(
    private readonly options: AttemptSettings & RuntimeSettings,
    private readonly scheduler: Scheduler,
    private readonly broker: Broker,
    private readonly events: RunnerEvents,
  ) {
    this.start = startOf(options.handler);
    this.outside = options.tracer === undefined ? undefined : AsyncLocalStorage.snapshot();
    this.suspension = new Suspension(options, () => {
      this.pump();
      if (!this.breaker.isHalfOpen) return;
      this.failures.resumeAside();
      this.pump();
    });
    this.breaker = this.suspension.breaker;
    this.classify = withoutThrowing(options.classify, (defect, error) =>
      options.logger.error({ ...errorDetails(defect), of: String(error) }, 'classify failed: treated as retriable'),
    );
    const parts = { scheduler, events, counts: this.counts, pump: () => this.pump() };
    this.completion = new TaskCompletion(options, broker, parts);
    this.failures = new RecordFailures(options, parts, this.completion);
    this.joined = new JoinedAttempts(parts, this.breaker, options.clock, broker, {
      succeeded: (attempt) => this.handled(attempt),
      failed: (attempt, error) => this.endFailed(attempt, error),
    });
  }

  get deadLetters(): DeadLetterPublisher {
    return this.completion.deadLetters;
  }

  get isDraining(): boolean {
    return this.draining;
  }

  /** Starts no new attempts during a drain, which lets running ones end. */
  setDraining(isDraining: boolean): void {
    this.draining = isDraining;
    if (!isDraining) this.pump();
  }

  /** Starts all tasks that may run now: none after the contact to the group was lost, which each start checks. */
  pump(): void {
    if (this.outside === undefined) this.startReady();
    else this.outside(this.startReady);
  }

  private readonly startReady = (): void => {
    // An attempt that ends while it is started calls `pump` recursively.
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      while (!this.draining && this.scheduler.hasReady()) {
        const now = this.options.clock.now();
        if (now >= this.broker.startsUntil || !this.breaker.tryAcquire()) return;
        const task = this.scheduler.next();
        if (task === undefined) return this.breaker.release();
        this.run(task, now);
      }
    } finally {
      this.isPumping = false;
    }
  };

  /** Ends all waits of a stopped consumer, whose partitions were revoked. */
  stop(): void {
    this.suspension.stop();
    this.failures.stop();
  }

  /** Aborts the running attempts of an assignment, or all of them. */
  abort(reason: Error, assignment?: Assignment): void {
    this.attempts.abort(reason, assignment);
  }

  /** Aborts attempts past their time limit, and abandons those past the grace period after it. */
  enforceTimeLimit(): void {
    const { attemptTimeoutMs, attemptGraceMs, clock } = this.options;
    const now = clock.now();
    for (const attempt of this.attempts.olderThan(now - attemptTimeoutMs)) {
      const age = now - attempt.startedAt;
      // After a pause of the process, the handler must first learn that its time is over.
      if (attempt.isAborted && age >= attemptTimeoutMs + attemptGraceMs) this.abandon(attempt, age);
      else attempt.abort(new AttemptTimeoutError(`the attempt exceeded its time limit of ${attemptTimeoutMs} ms`));
    }
  }

  /** Dead-letters an unfinished record: now if its attempt is running, else in place of its next attempt. */
  forceDeadLetter(task: Task, cause: Error): void {
    task.deadLetterCause = cause;
    const attempt = this.attempts.find(task);
    if (attempt === undefined) return;
    attempt.abort(cause);
    task.trace?.attemptEnded('abandoned', cause);
    this.leaveRunning(attempt);
    void this.completion.deadLetter(task, cause);
  }

  private run(task: Task, now: number): void {
    if (task.deadLetterCause !== undefined) {
      this.breaker.release();
      void this.completion.deadLetter(task, task.deadLetterCause);
      return;
    }
    const attempt = new RunningAttempt(task, this.breaker.begin(), now, this);
    this.attempts.add(attempt);
    task.trace?.attemptStarted(attempt.number);
    try {
      if (task.trace === undefined) this.start(attempt);
      else task.trace.run(() => this.start(attempt));
    } catch (error) {
      // A synchronous throw fails only this record, and not before it would as a rejection.
      queueMicrotask(() => this.failed(attempt, error));
    }
  }

  mayStart(): boolean {
    return this.options.clock.now() < this.broker.startsUntil;
  }

  takeNext(attempt: RunningAttempt): JoinedAttempt | undefined {
    return this.draining ? undefined : this.joined.take(attempt);
  }

  isDuringOutage({ sequence }: RunningAttempt): boolean {
    return this.breaker.isSuspect(sequence);
  }

  succeeded(attempt: RunningAttempt): void {
    if (!this.attempts.settle(attempt)) return this.endedLate(attempt);
    this.handled(attempt);
    this.joined.succeeded(attempt);
  }

  failed(attempt: RunningAttempt, error: unknown): void {
    const isWithdrawn = error instanceof AttemptWithdrawnError && attempt.mayBeWithdrawn;
    if (!this.attempts.settle(attempt)) return this.endedLate(attempt);
    if (isWithdrawn) return this.withdrawn(attempt);
    this.joined.failed(attempt);
    this.endFailed(attempt, error);
  }

  /** Nothing was begun for the record: it may start again at once. */
  private withdrawn(attempt: RunningAttempt): void {
    const { task, sequence } = attempt;
    this.joined.failed(attempt);
    task.trace?.attemptEnded('withdrawn');
    if (this.breaker.isProbe(sequence)) this.breaker.release();
    if (!this.scheduler.endUntried(task, true)) this.events.handedOver(1);
    this.events.progressed();
    this.pump();
  }

  private handled(attempt: EndedAttempt): void {
    this.reportAttempt(attempt, 'done');
    if (this.suspension.succeeded(attempt.sequence)) this.failures.resumeAside();
    this.outcomes.handled();
    this.completion.complete(attempt.task);
  }

  private endFailed(attempt: EndedAttempt, error: unknown, outcome?: AttemptOutcome): void {
    const kind = this.classify(error);
    this.reportAttempt(attempt, outcome ?? kind, error);
    const failure: Failure = { attempt, error, kind, isLast: this.failures.isLast(attempt.task, kind) };
    if (failure.isLast) this.outcomes.failed(failure);
    else this.handleFailure(failure);
  }

  private handleFailure(failure: Failure): void {
    const { task, sequence } = failure.attempt;
    const isProbe = this.breaker.isProbe(sequence);
    if (task.assignment.revoked) {
      // An attempt that was aborted says nothing about the dependencies.
      if (isProbe) this.breaker.release();
      this.completion.handOver(task);
    } else if (this.suspension.failed(failure)) this.failures.handle(task, failure.error, failure.isLast || isProbe);
    else if (isProbe && failure.kind !== 'environment') this.failures.setAside(task);
    else this.failures.tryAgain(task);
  }

  private abandon(attempt: RunningAttempt, age: number): void {
    this.leaveRunning(attempt);
    const { topic, partition, offset } = attempt.record;
    this.counts.abandoned += 1;
    this.options.logger.error(
      { topic, partition, offset, attempt: attempt.number, ageMs: age, stillRunning: this.attempts.abandoned },
      'attempt abandoned: it exceeded its time limit and may still be running',
    );
    this.endFailed(attempt, new AttemptAbandonedError(`the attempt did not end within ${age} ms`), 'abandoned');
  }

  /** Ends an attempt whose handler goes on. */
  private leaveRunning(attempt: RunningAttempt): void {
    this.attempts.abandon(attempt);
    this.scheduler.abandoned = this.attempts.abandoned;
    this.joined.failed(attempt);
  }

  /** Frees the place of an abandoned attempt. */
  private endedLate(attempt: RunningAttempt): void {
    this.attempts.endedLate(attempt);
    this.scheduler.abandoned = this.attempts.abandoned;
    this.pump();
  }

  private reportAttempt(attempt: EndedAttempt, outcome: AttemptOutcome, error?: unknown): void {
    attempt.task.trace?.attemptEnded(outcome, error);
    this.events.attempted(outcome, attempt.startedAt);
  }
}
