import { pause, type Clock } from '@orders-pipeline/clock';

/** The ratio of pauses to work: the work uses about 1/20 of a CPU core, so that it does not slow down saves. */
const PAUSE_PER_WORK = 19;
/** The longest pause, in ms. A part that waits seconds for the database has not worked as long, and must not stop the work for minutes. */
const MAX_PAUSE_MS = 5_000;

/** Bounds the share of time that background work takes. */
export class WorkShare {
  private workedSince: number;

  constructor(private readonly clock: Clock) {
    this.workedSince = clock.now();
  }

  /** Pauses in proportion to the time since the last pause, at most five seconds. Call it after each small part of the work. */
  async rest(): Promise<void> {
    await pause(this.clock, Math.min(PAUSE_PER_WORK * (this.clock.now() - this.workedSince), MAX_PAUSE_MS));
    this.workedSince = this.clock.now();
  }
}
