/** Computes events per second over the last readings of a counter that never decreases. */
export class RateMeter {
  private readonly readings: { readonly at: number; readonly count: number }[] = [];

  /** @param kept number of intervals between readings that the rate covers */
  constructor(private readonly kept: number) {}

  /** Records a reading. @param at milliseconds since 1970 */
  read(at: number, count: number): void {
    this.readings.push({ at, count });
    if (this.readings.length > this.kept + 1) this.readings.shift();
  }

  /** Events per second between the first and the last reading kept; 0 before the second reading. */
  get perSecond(): number {
    const first = this.readings[0];
    const last = this.readings.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return 0;
    return ((last.count - first.count) * 1_000) / (last.at - first.at);
  }
}
