import type { Clock } from '#parallel-consumer/clock.js';

/** Readers don't notice a value that is so much older, and a burst of them then costs one read. */
const LEAST_PAUSE_MS = 250;
/** A read takes at most 0.5 % of the time: the two that can be expensive, letters and exact count, take 1 % together. */
const PAUSE_FACTOR = 199;
/** Of an urgent read: 5 % of the time. */
const URGENT_PAUSE_FACTOR = 19;
/** How far the reads of many operations spread out, so that together they take no more than those of one. */
const MOST_SPREAD_MS = 10_000;

export interface ReadBudget {
  readonly clock: Clock;
  /** How many operations have readers now: they share the budget. */
  readonly sharers: () => number;
}

/**
 * Reads a value for all who ask for it: one read at a time, at most 0.5 % of the time (5 % where it is urgent), and none without a reader.
 *
 * A caller gets the latest value, or the one that is being read. An error reaches those who waited for that read; the next caller tries again.
 */
export class PacedRead<T> {
  private latest: { readonly value: T } | undefined;
  private reading: Promise<T> | undefined;
  private pausedUntil = -Infinity;
  private urgentPausedUntil = -Infinity;

  /** @param mostPauseMs for a read of constant cost: when it takes long, the machine is busy, and a longer pause would save nothing */
  constructor(
    private readonly read: () => Promise<T>,
    private readonly budget: ReadBudget,
    private readonly mostPauseMs = Infinity,
  ) {}

  /**
   * Returns the latest value, read anew when the budget allows it.
   * @param isUrgent the value decides what happens next, and little else is going on
   * @throws what the read failed with
   */
  async get(isUrgent = false): Promise<T> {
    const until = isUrgent ? this.urgentPausedUntil : this.pausedUntil;
    if (this.latest !== undefined && this.budget.clock.now() < until) return this.latest.value;
    return this.join();
  }

  /** Returns the value of a read that begins after this call, whatever the budget. @throws what the read failed with */
  async readNow(): Promise<T> {
    // Its failure reaches those who asked for it.
    await this.reading?.catch(() => undefined);
    return this.join();
  }

  /** Sets a value that the caller has just read or written: callers get it at once, without another read. */
  set(value: T): void {
    this.latest = { value };
    const leastUntil = this.budget.clock.now() + LEAST_PAUSE_MS;
    this.pausedUntil = Math.max(this.pausedUntil, leastUntil);
    this.urgentPausedUntil = Math.max(this.urgentPausedUntil, leastUntil);
  }

  private async join(): Promise<T> {
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
      Math.min(pauseAfter((now - startedAt) * factor, sharers()), this.mostPauseMs);
    this.pausedUntil = now + pauseMs(PAUSE_FACTOR);
    this.urgentPausedUntil = now + pauseMs(URGENT_PAUSE_FACTOR);
    // A value that was set meanwhile is newer.
    if (this.latest === before) this.latest = { value };
    return this.latest?.value ?? value;
  }
}

/** @param alone what one operation with readers would pause, in ms */
function pauseAfter(alone: number, sharers: number): number {
  return Math.max(LEAST_PAUSE_MS, alone, Math.min(alone * sharers, MOST_SPREAD_MS));
}
