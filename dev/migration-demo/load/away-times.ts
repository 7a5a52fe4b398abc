import type { AwayTime } from './allowed-failures.js';

/** Records when which side was away. */
export class AwayTimes {
  private readonly times: AwayTime[] = [];

  get all(): readonly AwayTime[] {
    return this.times;
  }

  /** @returns a function to be called once the side has caught up */
  begin(side: AwayTime['side'], what: string): () => void {
    const at = this.times.push({ side, what, from: Date.now(), to: Number.POSITIVE_INFINITY }) - 1;
    return () => {
      const begun = this.times[at];
      if (begun !== undefined) this.times[at] = { ...begun, to: Date.now() };
    };
  }
}
