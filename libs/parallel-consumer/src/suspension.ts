import { backOffMs, type BackOff } from './back-off.js';

/**
 * Holds the work back while the environment is away: after a failure that is no record's own nothing new is started until
 * a back-off has passed; then one task goes ahead as a probe, and its success lets the rest follow (a circuit breaker with
 * one half-open probe: Nygard, "Release It!"). Thousands in flight would otherwise all hammer a database that is coming up.
 */
export class Suspension {
  private failures = 0;
  private since: number | undefined;
  private until = 0;
  private probing = false;

  constructor(
    private readonly backOff: BackOff,
    private readonly random: () => number,
  ) {}

  /** When the environment was first found away, in the clock's milliseconds; `undefined` when all is well. */
  get suspendedSince(): number | undefined {
    return this.since;
  }

  /** An environment failure of an attempt that began at `startedAt`. @returns milliseconds to wait, if it is news */
  failed(startedAt: number, now: number): number | undefined {
    // Attempts from before the suspension fail one after another; only the first of them and the probe say something new.
    if (this.since !== undefined && startedAt < this.until) return undefined;
    this.failures += 1;
    this.since ??= now;
    this.probing = false;
    const wait = backOffMs(this.backOff, this.failures, this.random);
    this.until = now + wait;
    return wait;
  }

  /** An attempt ended in any other way: the environment answered. @returns whether that ended a suspension */
  answered(startedAt: number): boolean {
    if (this.since === undefined || startedAt < this.since) return false;
    this.failures = 0;
    this.since = undefined;
    this.probing = false;
    return true;
  }

  /** Whether a task may start now; while suspended, a yes makes it the probe. */
  admits(now: number): boolean {
    if (this.since === undefined) return true;
    if (this.probing || now < this.until) return false;
    this.probing = true;
    return true;
  }
}
