import { pause, type Clock } from '@orders-pipeline/clock';

/**
 * Lets a long job use only a share of the time, so that services on the same machine go on saving: after each step it rests in proportion to
 * what the step took. While others use the machine, its steps take longer, and so do its rests.
 */
export class Pace {
  /** @param share above 0; 1: never rests */
  constructor(
    private readonly share: number,
    private readonly clock: Clock,
  ) {}

  /** @param milliseconds what the step took */
  async rest(milliseconds: number): Promise<void> {
    const rest = milliseconds * (1 / this.share - 1);
    if (rest >= 1) await pause(this.clock, Math.round(rest));
  }
}
