import { partitionName } from '../broker/broker.js';
import type { RuntimeSettings } from '../events/runtime-options.js';
import { errorDetails, type FailureKind } from '../failures/failure.js';
import type { AttemptSettings } from './attempt-options.js';
import { CircuitBreaker, type SuspensionCause } from './circuit-breaker.js';
import {
  MassFailureDetector,
  MassFailureError,
  massFailureLimit,
  type MassFailureLimit,
} from './mass-failure-detector.js';
import type { EndedAttempt } from './running-attempt.js';

/** An attempt that failed. */
export interface Failure {
  readonly attempt: EndedAttempt;
  readonly error: unknown;
  readonly kind: FailureKind;
  /** Whether its record would not be retried. */
  readonly isLast: boolean;
}

/**
 * Suspends the consumer while a dependency is unavailable or in a mass failure of records: it drives the circuit breaker's
 * probes by the clock, and logs when a suspension begins, goes on and ends.
 *
 * Guarantee: after an `environment` failure, no failure of any kind counts until an attempt has succeeded that began after it. An outage
 * causes other errors too: a closed client, or the error page of a proxy that a parser takes for a bad record. Not guaranteed for a next
 * outage that begins while attempts still run from before the last one, until another attempt has met it.
 */
export class Suspension {
  /** Decides which tasks may start. */
  readonly breaker: CircuitBreaker;
  private readonly massFailure: MassFailureDetector;
  private readonly limit: MassFailureLimit;
  private isMassFailure = false;
  private startedAt = 0;
  private cancelProbe: (() => void) | undefined;

  constructor(
    private readonly options: AttemptSettings & RuntimeSettings,
    /** Called when a probe may start. */
    private readonly probeDue: () => void,
  ) {
    this.breaker = new CircuitBreaker(options.environmentBackOff, options.random);
    this.limit = massFailureLimit(options.poisonShare);
    this.massFailure = new MassFailureDetector(this.limit, options.clock);
  }

  /** Start of the current suspension, in ms since 1970; `undefined` when not suspended. */
  get since(): number | undefined {
    return this.breaker.active ? this.startedAt : undefined;
  }

  get cause(): SuspensionCause | undefined {
    if (!this.breaker.active) return undefined;
    return this.isMassFailure ? 'poison-storm' : 'environment';
  }

  /** Ends the probing of a stopped consumer. */
  stop(): void {
    this.cancelProbe?.();
  }

  /** Records a failure, which may begin or prolong the suspension. @returns whether it counts as its record's own; otherwise the record waits */
  failed(failure: Failure): boolean {
    const { attempt, error, kind, isLast } = failure;
    if (this.breaker.isSuspect(attempt.sequence))
      return this.breaker.isProbe(attempt.sequence) && this.probeFailed(failure);
    if (kind === 'environment') this.suspend(attempt, error);
    else if (!isLast || !this.massFailure.failed(partitionName(attempt.task.record))) return true;
    else {
      this.isMassFailure = true;
      this.suspend(attempt, new MassFailureError(this.limit, error));
    }
    return false;
  }

  /** Records that an attempt succeeded. @returns whether it ended the suspension */
  succeeded(sequence: number): boolean {
    if (!this.breaker.recordSuccess(sequence)) return false;
    this.options.logger.info(
      {},
      this.isMassFailure ? 'no longer suspended: a record succeeded' : 'dependency available again',
    );
    this.isMassFailure = false;
    this.massFailure.reset();
    return true;
  }

  /** Records that a record was handled. */
  handled(): void {
    this.massFailure.handled();
  }

  private suspend(attempt: EndedAttempt, error: unknown): void {
    this.startedAt = this.options.clock.now();
    this.probeLater(attempt, error, 'environment');
  }

  /** A failed probe never ends a suspension. In a mass failure its record may be dead-lettered: others may be valid. */
  private probeFailed({ attempt, error, kind, isLast }: Failure): boolean {
    const { clock, suspensionDeadLetterMs = Number.POSITIVE_INFINITY } = this.options;
    if (kind === 'environment') this.isMassFailure = false;
    this.probeLater(attempt, error, kind);
    return (this.isMassFailure && isLast) || clock.now() - this.startedAt >= suspensionDeadLetterMs;
  }

  private probeLater({ sequence, task }: EndedAttempt, error: unknown, kind: FailureKind): void {
    const { clock, logger } = this.options;
    const wait = this.breaker.recordFailure(sequence) ?? 0;
    // If it is the same record each time, the record or its handler is at fault, not a dependency.
    const { topic, partition, offset } = task.record;
    const details = { topic, partition, offset, kind, ...errorDetails(error), retryInMs: wait };
    if (this.isMassFailure) logger.error(details, 'suspended: mass failure of records, probing one at a time');
    else if (kind === 'environment')
      logger.warn(details, 'dependency unavailable: no new attempts until a probe succeeds');
    else logger.warn(details, 'still suspended: a probe failed, and only a successful one ends the suspension');
    this.cancelProbe = clock.after(wait, () => {
      this.breaker.halfOpen();
      this.probeDue();
    });
  }
}
