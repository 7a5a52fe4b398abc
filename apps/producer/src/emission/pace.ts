/**
 * Schedules orders by an open model: the n-th order is due at start + n / rate, independent of earlier orders. So the emission
 * catches up after a stall. A closed model would delay all later orders, and silently lower the requested rate.
 */
export class Pace {
  constructor(
    private readonly ratePerSecond: number | null,
    private readonly startedAt: number,
  ) {}

  /** Returns the milliseconds from `now` until order number `sent` (from 0) is due; 0 when it is overdue. */
  untilDue(sent: number, now: number): number {
    if (this.ratePerSecond === null) return 0;
    return Math.max(0, this.startedAt + (sent / this.ratePerSecond) * 1_000 - now);
  }

  /** Returns how many orders are due by `now`. */
  dueBy(now: number): number {
    if (this.ratePerSecond === null) return Number.POSITIVE_INFINITY;
    return Math.max(0, Math.floor(((now - this.startedAt) / 1_000) * this.ratePerSecond) + 1);
  }
}
