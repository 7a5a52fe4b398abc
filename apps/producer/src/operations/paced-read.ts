import type { Clock } from '@orders-pipeline/clock';

/** Minimum pause between reads, in ms: a burst of callers costs one read. */
const MIN_PAUSE_MS = 250;
/** A read takes at most 0.5 % of the time. The two expensive reads, letters and exact count, take at most 1 % together. */
const PAUSE_FACTOR = 199;
/** A value gets no older than this, in ms, unless its read then took more than the share of an urgent one. */
const MAX_AGE_MS = 5_000;
/** An urgent read takes at most 5 % of the time. */
const URGENT_PAUSE_FACTOR = 19;
/** Maximum pause caused by sharing the budget with the reads of other operations, in ms. */
const MAX_SPREAD_MS = 10_000;

export interface ReadBudget {
  readonly clock: Clock;
  /** Number of operations that have readers now; they share the budget. */
  readonly sharers: () => number;
}

/**
 * Reads a value for all callers: one read at a time, and none without a caller. It takes at most 0.5 % of the time; at most 5 % if it is
 * urgent, or if the value would get older than 5 s.
 *
 * A caller gets the latest value or the result of the running read. An error rejects all callers that wait for that read; the next
 * caller retries.
 */
export class PacedRead<T> {
  private latest: { readonly value: T } | undefined;
  private reading: Promise<T> | undefined;
  private pausedUntil = -Infinity;
  private urgentPausedUntil = -Infinity;

  /** @param maxPauseMs for a read of constant cost: when it is slow, the machine is busy, and a longer pause saves nothing */
  constructor(
    private readonly read: () => Promise<T>,
    private readonly budget: ReadBudget,
    private readonly maxPauseMs = Infinity,
  ) {}

  /**
   * Returns the latest value, and reads it again when the budget allows.
   * @param isUrgent uses the larger budget: the value decides what happens next, and the load is low
   * @throws the error of the read
   */
  async get(isUrgent = false): Promise<T> {
    const until = isUrgent ? this.urgentPausedUntil : this.pausedUntil;
    if (this.latest !== undefined && this.budget.clock.now() < until) return this.latest.value;
    return this.joinRead();
  }

  /** Returns the value of a read that starts after this call, regardless of the budget. @throws the error of the read */
  async readNow(): Promise<T> {
    // The callers of that read get its error.
    await this.reading?.catch(() => undefined);
    return this.joinRead();
  }

  /** Sets a value that the caller has just read or written; callers get it without another read. */
  set(value: T): void {
    this.latest = { value };
    const minUntil = this.budget.clock.now() + MIN_PAUSE_MS;
    this.pausedUntil = Math.max(this.pausedUntil, minUntil);
    this.urgentPausedUntil = Math.max(this.urgentPausedUntil, minUntil);
  }

  private async joinRead(): Promise<T> {
    this.reading ??= this.run().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async run(): Promise<T> {
    const { clock, sharers } = this.budget;
    const before = this.latest;
    const startedAt = clock.now();
    const value = await this.read();
    const now = clock.now();
    const pauseMs = (factor: number): number =>
      Math.min(toPause(pauseAfter(now - startedAt, factor), sharers()), this.maxPauseMs);
    this.pausedUntil = now + pauseMs(PAUSE_FACTOR);
    this.urgentPausedUntil = now + pauseMs(URGENT_PAUSE_FACTOR);
    // A value that was set during the read is newer.
    if (this.latest === before) this.latest = { value };
    return this.latest?.value ?? value;
  }
}

/** On a busy machine a cheap read takes long: the share of the time alone would make its value a minute old. */
function pauseAfter(duration: number, factor: number): number {
  return Math.min(duration * factor, Math.max(duration * URGENT_PAUSE_FACTOR, MAX_AGE_MS));
}

/** @param alone the pause if only one operation had readers, in ms */
function toPause(alone: number, sharers: number): number {
  return Math.max(MIN_PAUSE_MS, alone, Math.min(alone * sharers, MAX_SPREAD_MS));
}
