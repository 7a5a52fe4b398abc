import type { RuntimeSettings } from '../events/runtime-options.js';
import type { Broker } from '../broker/broker.js';
import type { AttemptOutcome } from '../events/observer.js';
import type { Assignment, Task } from '../partition/assignment.js';
import type { AttemptSettings } from './attempt-options.js';
import type { Scheduler } from '../window/scheduler.js';
import { errorDetails, withoutThrowing, type FailureClassifier, type FailureKind } from '../failures/failure.js';
import { JoinedAttempts } from './joined-attempts.js';
import {
  AttemptAbandonedError,
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
import { TurnOutcomes } from './turn-outcomes.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import { Suspension } from './suspension.js';
import { TaskCompletion } from './task-completion.js';

/** A failed attempt after which its record is not retried. */
interface LastFailure {
  readonly attempt: EndedAttempt;
  readonly error: unknown;
  readonly kind: FailureKind;
}

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
  private readonly turnOutcomes = new TurnOutcomes<LastFailure>(
    () => this.suspension.handled(),
    (failure) => this.failedPermanently(failure),
  );
  private holding = false;
  private isPumping = false;
  private readonly start: (attempt: RunningAttempt) => void;

  constructor(
    private readonly options: AttemptSettings & RuntimeSettings,
    private readonly scheduler: Scheduler,
    private readonly broker: Broker,
    private readonly events: RunnerEvents,
  ) {
    this.start = startOf(options.handler);
    this.suspension = new Suspension(options, () => this.pump());
    this.breaker = this.suspension.breaker;
    this.classify = withoutThrowing(options.classify, (defect, error) =>
      options.logger.error({ ...errorDetails(defect), of: String(error) }, 'classify failed: treated as retriable'),
    );
    const parts = { scheduler, events, counts: this.counts, pump: () => this.pump() };
    this.completion = new TaskCompletion(options, broker, parts);
    this.failures = new RecordFailures(options, parts, this.completion);
    this.joined = new JoinedAttempts(parts, this.breaker, options.clock, broker, {
      succeeded: (attempt) => this.handled(attempt),
      failed: (attempt, error) => this.handleFailure(attempt, error),
    });
  }

  get deadLetters(): DeadLetterPublisher {
    return this.completion.deadLetters;
  }

  get isHolding(): boolean {
    return this.holding;
  }

  /** Starts no new attempts while held, which lets running ones drain. */
  hold(held: boolean): void {
    this.holding = held;
    if (!held) this.pump();
  }

  /** Starts all tasks that may run now: none after the contact to the group was lost, which each start checks. */
  pump(): void {
    // An attempt that ends while it is started calls `pump` recursively.
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      while (!this.holding && this.scheduler.hasReady()) {
        const now = this.options.clock.now();
        if (now >= this.broker.startsUntil || !this.breaker.tryAcquire()) return;
        const task = this.scheduler.next();
        if (task === undefined) return this.breaker.release();
        this.run(task, now);
      }
    } finally {
      this.isPumping = false;
    }
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
      else attempt.abort(new Error(`the attempt exceeded its time limit of ${attemptTimeoutMs} ms`));
    }
  }

  /** Dead-letters an unfinished record: now if its attempt is running, else in place of its next attempt. */
  forceDeadLetter(task: Task, cause: Error): void {
    task.deadLetterCause = cause;
    const attempt = this.attempts.find(task);
    if (attempt === undefined) return;
    attempt.abort(cause);
    this.attempts.settle(attempt);
    this.joined.failed(attempt);
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
    try {
      this.start(attempt);
    } catch (error) {
      // A synchronous throw fails only this record, and not before it would as a rejection.
      queueMicrotask(() => this.failed(attempt, error));
    }
  }

  mayStart(): boolean {
    return this.options.clock.now() < this.broker.startsUntil;
  }

  takeNext(attempt: RunningAttempt): JoinedAttempt | undefined {
    return this.holding ? undefined : this.joined.take(attempt);
  }

  succeeded(attempt: RunningAttempt): void {
    if (!this.attempts.settle(attempt)) return;
    this.handled(attempt);
    this.joined.succeeded(attempt);
  }

  failed(attempt: RunningAttempt, error: unknown): void {
    const isWithdrawn = error instanceof AttemptWithdrawnError && !attempt.isCurrent;
    if (!this.attempts.settle(attempt)) return;
    if (isWithdrawn) return this.withdrawn(attempt, error);
    this.joined.failed(attempt);
    this.handleFailure(attempt, error);
  }

  /** Nothing was begun for the record: it may start again at once. */
  private withdrawn(attempt: RunningAttempt, error: AttemptWithdrawnError): void {
    const { task } = attempt;
    this.joined.failed(attempt);
    this.suspension.probeAgain(attempt, error);
    if (!this.scheduler.parted(task, true)) this.events.handedOver(1);
    this.events.progressed();
    this.pump();
  }

  private handled(attempt: EndedAttempt): void {
    this.reportAttempt(attempt, 'done');
    this.suspension.succeed(attempt.sequence);
    this.turnOutcomes.handled();
    this.completion.complete(attempt.task);
  }

  private handleFailure(attempt: EndedAttempt, error: unknown): void {
    const kind = this.classify(error);
    this.reportAttempt(attempt, kind);
    if (kind === 'environment') return this.suspend(attempt, error);
    if (this.failures.isLast(attempt.task, kind)) return this.turnOutcomes.failed({ attempt, error, kind });
    if (this.suspension.inStorm) return this.failedInStorm(attempt, error, kind);
    this.suspension.succeed(attempt.sequence);
    this.failures.record(attempt.task, error, kind);
  }

  private failedPermanently({ attempt, error, kind }: LastFailure): void {
    if (this.suspension.inStorm) return this.failedInStorm(attempt, error, kind);
    const { task } = attempt;
    const storm = this.suspension.poisoned(task.record.partition, error);
    if (storm !== undefined) return this.suspend(attempt, storm);
    this.suspension.succeed(attempt.sequence);
    this.failures.record(task, error, kind);
  }

  /** A failure never ends a storm. Only the probe's record may be dead-lettered: the next record of its key may be good. */
  private failedInStorm(attempt: EndedAttempt, error: unknown, kind: FailureKind): void {
    const { task, sequence } = attempt;
    if (!this.breaker.isProbe(sequence) || !this.failures.isLast(task, kind)) return this.suspend(attempt, error);
    this.suspension.probeAgain(attempt, error);
    this.failures.record(task, error, kind);
  }

  private abandon(attempt: RunningAttempt, age: number): void {
    if (!this.attempts.settle(attempt)) return;
    this.joined.failed(attempt);
    const { task } = attempt;
    const { topic, partition, offset } = task.record;
    this.counts.abandoned += 1;
    this.reportAttempt(attempt, 'abandoned');
    this.options.logger.error(
      { topic, partition, offset, attempt: attempt.number, ageMs: age },
      'attempt abandoned: it exceeded its time limit and may still be running',
    );
    const error = new AttemptAbandonedError(`the attempt did not end within ${age} ms`);
    this.suspension.probeAgain(attempt, error);
    this.failures.record(task, error, 'retriable');
  }

  private reportAttempt(attempt: EndedAttempt, outcome: AttemptOutcome): void {
    this.events.attempted(outcome, attempt.startedAt);
  }

  private suspend(attempt: EndedAttempt, error: unknown): void {
    this.suspension.fail(attempt, error);
    this.scheduler.postponed(attempt.task);
    this.failures.resume(attempt.task);
    this.events.progressed();
    // A probe may be due: after the in-flight limit was lowered, it may have found no room until this attempt ended.
    this.pump();
  }
}
