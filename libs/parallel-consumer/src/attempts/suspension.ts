import { backOffMs, type BackOff } from '../back-off.js';

/** Why nothing is started: what the handler needs is away, or nearly all records are poison. */
export type SuspensionCause = 'environment' | 'poison-storm';

/**
 * Holds the work back while the environment is away: after a failure that is no record's own nothing new is started until
 * a back-off has passed; then one task goes ahead as a probe, and its success lets the rest follow (a circuit breaker with
 * one half-open probe: Nygard, "Release It!"). Thousands in flight would otherwise all hammer a database that is coming up.
 *
 * It reads no clock: attempts are told apart by their turn, and the end of a back-off is what its timer says. Comparing
 * times hung for good when a timer fired a millisecond early, as Node's do.
 */
export class Suspension {
  private turn = 0;
  private failures = 0;
  /** The turn at which the environment was found away; `undefined` when all is well. */
  private since: number | undefined;
  private phase: 'waiting' | 'due' | 'probing' = 'waiting';

  constructor(
    private readonly backOff: BackOff,
    private readonly random: () => number,
  ) {}

  get active(): boolean {
    return this.since !== undefined;
  }

  /** Whether a task may start now; while suspended, a yes makes it the probe. */
  admits(): boolean {
    if (this.since === undefined) return true;
    if (this.phase !== 'due') return false;
    this.phase = 'probing';
    return true;
  }

  /** Whether an attempt of this turn is the probe. */
  isProbe(turn: number): boolean {
    return this.since !== undefined && this.phase === 'probing' && turn > this.since;
  }

  /** A task that was admitted made no attempt: another may be the probe. */
  passed(): void {
    if (this.phase === 'probing') this.phase = 'due';
  }

  /** An attempt begins. @returns its turn, for `failed` and `answered` */
  begin(): number {
    this.turn += 1;
    return this.turn;
  }

  /** An environment failure. @returns milliseconds to wait before `due`, if it is news: the first one, or the probe's */
  failed(turn: number): number | undefined {
    // Attempts from before the suspension fail one after another, and say nothing new.
    if (this.since !== undefined && (this.phase !== 'probing' || turn <= this.since)) return undefined;
    this.failures += 1;
    this.since = this.turn;
    this.phase = 'waiting';
    return backOffMs(this.backOff, this.failures, this.random);
  }

  /** The back-off has passed: the next task may go as a probe. */
  due(): void {
    if (this.phase === 'waiting') this.phase = 'due';
  }

  /** An attempt ended in any other way: the environment answered. @returns whether that ended a suspension */
  answered(turn: number): boolean {
    if (this.since === undefined || turn <= this.since) return false;
    this.failures = 0;
    this.since = undefined;
    this.phase = 'waiting';
    return true;
  }
}
