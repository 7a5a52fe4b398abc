import type { Clock } from '@orders-pipeline/clock';

/** Lets one log message through per interval and counts the others, so that thousands of failures a second do not flood the log. */
export class LogThrottle {
  private nextAt = Number.NEGATIVE_INFINITY;
  private suppressed = 0;

  constructor(
    private readonly clock: Clock,
    private readonly intervalMs: number,
  ) {}

  /** Asks to log a message. @returns how many were suppressed since the last one; `undefined` to suppress this one too */
  next(): number | undefined {
    const now = this.clock.now();
    if (now < this.nextAt) {
      this.suppressed += 1;
      return undefined;
    }
    const { suppressed } = this;
    this.suppressed = 0;
    this.nextAt = now + this.intervalMs;
    return suppressed;
  }
}
