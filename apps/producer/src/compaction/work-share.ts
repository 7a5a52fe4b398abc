import { pause, type Clock } from '@orders-pipeline/clock';

/** The ratio of pauses to work: the work uses about 1/20 of a CPU core, so that it does not slow down saves. */
const PAUSE_PER_WORK = 19;

/** Bounds the share of time that background work takes. */
export class WorkShare {
  private workedSince: number;

  constructor(private readonly clock: Clock) {
    this.workedSince = clock.now();
  }

  /** Pauses in proportion to the time since the last pause. Call it after each small part of the work. */
  async rest(): Promise<void> {
    await pause(this.clock, PAUSE_PER_WORK * (this.clock.now() - this.workedSince));
    this.workedSince = this.clock.now();
  }
}
