import type { RuntimeSettings } from '../events/runtime-options.js';
import { errorDetails } from '../failures/failure.js';
import type { AttemptSettings } from './attempt-options.js';
import { CircuitBreaker, type SuspensionCause } from './circuit-breaker.js';
import { PoisonBreaker, PoisonStormError, poisonLimit, type PoisonLimit } from './poison-breaker.js';
import type { EndedAttempt } from './running-attempt.js';

/**
 * Suspends the consumer while its environment is unavailable or nearly all records are poison: it drives the circuit breaker's
 * probes by the clock, and logs when a suspension begins, goes on and ends.
 */
export class Suspension {
  /** Decides which tasks may start. */
  readonly breaker: CircuitBreaker;
  private readonly poison: PoisonBreaker;
  private readonly limit: PoisonLimit;
  private storm = false;
  private startedAt: number | undefined;

  constructor(
    private readonly options: AttemptSettings & RuntimeSettings,
    /** Called when a probe may start. */
    private readonly probeDue: () => void,
  ) {
    this.breaker = new CircuitBreaker(options.environmentBackOff, options.random);
    this.limit = poisonLimit(options.poisonShare);
    this.poison = new PoisonBreaker(this.limit, options.clock);
  }

  /** Start of the current suspension, in ms since 1970; `undefined` when not suspended. */
  get since(): number | undefined {
    return this.breaker.active ? this.startedAt : undefined;
  }

  get cause(): SuspensionCause | undefined {
    if (!this.breaker.active) return undefined;
    return this.storm ? 'poison-storm' : 'environment';
  }

  /** Suspended because nearly all records are poison, not because the environment is unavailable. */
  get inStorm(): boolean {
    return this.storm;
  }

  /** Begins or prolongs the suspension after an attempt that must wait. */
  fail(attempt: EndedAttempt, error: unknown): void {
    if (!this.breaker.active) this.startedAt = this.options.clock.now();
    this.probeLater(attempt, error);
  }

  /** Schedules another probe, if the attempt was the probe. A hanging probe proves nothing, and without another one no attempt would start. */
  probeAgain(attempt: EndedAttempt, error: unknown): void {
    if (this.breaker.active) this.probeLater(attempt, error);
  }

  /** Records that the environment responded to an attempt. */
  succeed(sequence: number): void {
    if (!this.breaker.recordSuccess(sequence)) return;
    this.options.logger.info(
      {},
      this.storm ? 'no longer suspended: a record succeeded' : 'environment available again',
    );
    this.storm = false;
    this.poison.reset();
  }

  /** Records that a record was handled. */
  handled(): void {
    this.poison.handled();
  }

  /** Records that a record is about to be dead-lettered. @returns the storm's error when nearly all records are poison, and it must wait */
  poisoned(partition: number, error: unknown): PoisonStormError | undefined {
    if (!this.poison.poison(partition)) return undefined;
    this.storm = true;
    return new PoisonStormError(this.limit, error);
  }

  private probeLater({ sequence, task }: EndedAttempt, error: unknown): void {
    const { clock, logger } = this.options;
    const wait = this.breaker.recordFailure(sequence);
    if (wait === undefined) return;
    // If it is the same record each time, not the environment is at fault, but the record or its handler.
    const { topic, partition, offset } = task.record;
    const details = { topic, partition, offset, ...errorDetails(error), retryInMs: wait };
    if (this.storm) logger.error(details, 'suspended: nearly all records are poison, probing one at a time');
    else logger.warn(details, 'environment unavailable: no new attempts until a probe succeeds');
    clock.after(wait, () => {
      this.breaker.halfOpen();
      this.probeDue();
    });
  }
}
