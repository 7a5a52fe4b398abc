/**
 * An open-model schedule: the n-th order is due at start + n / rate, whatever came before it. A stall is therefore caught
 * up with, instead of shifting all that follows (a closed loop would quietly lower the rate that was asked for).
 */
export class Pace {
  constructor(
    private readonly ratePerSecond: number | null,
    private readonly startedAt: number,
  ) {}

  /** Milliseconds from `now` until the order that is `sent` orders after the start is due; 0 when it is late. */
  untilDue(sent: number, now: number): number {
    if (this.ratePerSecond === null) return 0;
    return Math.max(0, this.startedAt + (sent / this.ratePerSecond) * 1_000 - now);
  }
}
