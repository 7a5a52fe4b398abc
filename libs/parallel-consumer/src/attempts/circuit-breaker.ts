import { backOffMs, type BackOff } from '@orders-pipeline/clock';

/** Why the consumer is suspended: a dependency of the handler is unavailable (`environment`), or a mass failure of records (`poison-storm`). */
export type SuspensionCause = 'environment' | 'poison-storm';

/**
 * Starts nothing new while a dependency is unavailable. After an `environment` failure it waits for a back-off, then lets one attempt
 * through as a probe. The probe's success closes the breaker and lets all others follow (a circuit breaker with one half-open probe,
 * Nygard, "Release It!"). Without it, thousands of attempts would hit a database that is just starting. Any failure of the probe keeps
 * it open.
 *
 * It reads no clock: a sequence number orders the attempts, and the caller's timer reports the end of a back-off. Comparing times
 * would hang forever when a timer fires a millisecond early, as Node.js timers do.
 */
export class CircuitBreaker {
  private sequence = 0;
  private failures = 0;
  /** The sequence number of the last attempt that began before the breaker last opened or closed. */
  private changedAt = 0;
  private phase: 'closed' | 'waiting' | 'half-open' | 'probing' = 'closed';

  constructor(
    private readonly backOff: BackOff,
    private readonly random: () => number,
  ) {}

  /** Whether the breaker is open or half-open. */
  get active(): boolean {
    return this.phase !== 'closed';
  }

  /** Whether the next task is the probe. */
  get isHalfOpen(): boolean {
    return this.phase === 'half-open';
  }

  /** Returns whether a task may start now. While the breaker is half-open, the first call returns `true`, and its task is the probe. */
  tryAcquire(): boolean {
    if (this.phase === 'closed') return true;
    if (this.phase !== 'half-open') return false;
    this.phase = 'probing';
    return true;
  }

  /** Returns whether the attempt with this sequence number is the probe. */
  isProbe(sequence: number): boolean {
    return this.phase === 'probing' && sequence > this.changedAt;
  }

  /**
   * Returns whether an outage may have caused the failure of this attempt: it began before the breaker opened or closed, or is the probe.
   * Such a failure says nothing about its record, and nothing about the dependencies after the outage.
   */
  isSuspect(sequence: number): boolean {
    return this.active || sequence <= this.changedAt;
  }

  /** Releases the permit of `tryAcquire` when no attempt was made: another task may be the probe. */
  release(): void {
    if (this.phase === 'probing') this.phase = 'half-open';
  }

  /** Registers a new attempt. @returns its sequence number, for `recordFailure` and `recordSuccess` */
  begin(): number {
    this.sequence += 1;
    return this.sequence;
  }

  /**
   * Records an `environment` failure, or any failure of the probe.
   * @returns how many milliseconds to wait before `halfOpen`; `undefined` when the failure changes nothing
   */
  recordFailure(sequence: number): number | undefined {
    if (this.isSuspect(sequence) && !this.isProbe(sequence)) return undefined;
    this.failures += 1;
    this.changedAt = this.sequence;
    this.phase = 'waiting';
    return backOffMs(this.backOff, this.failures, this.random);
  }

  /** Ends the back-off: the next task may be the probe. */
  halfOpen(): void {
    if (this.phase === 'waiting') this.phase = 'half-open';
  }

  /** Records a success, which proves that the dependencies are available. @returns whether it closed the breaker */
  recordSuccess(sequence: number): boolean {
    if (!this.isProbe(sequence)) return false;
    this.failures = 0;
    this.changedAt = this.sequence;
    this.phase = 'closed';
    return true;
  }
}
