/**
 * Bounds the comparisons of an instance, so that they cost the same however many requests there are. A second without requests may be
 * made up for; more may not.
 */
export class ComparisonBudget {
  private left: number;
  private at: number;

  /** @param perSecond the most comparisons; 0: none. @param now milliseconds */
  constructor(
    private readonly perSecond: number,
    private readonly now: () => number,
  ) {
    this.left = perSecond;
    this.at = now();
  }

  /** Returns whether there may be one more comparison now, and counts it. */
  take(): boolean {
    const now = this.now();
    this.left = Math.min(this.perSecond, this.left + ((now - this.at) / 1_000) * this.perSecond);
    this.at = now;
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
