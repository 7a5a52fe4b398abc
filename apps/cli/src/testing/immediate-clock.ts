import type { Clock } from '@orders-pipeline/clock';

/** A clock for specs with real connections: each wait takes one turn of the event loop and advances the clock by its duration. */
export class ImmediateClock implements Clock {
  /** The requested waits, in milliseconds. */
  readonly waits: number[] = [];
  private time = 0;

  now(): number {
    return this.time;
  }

  after(milliseconds: number, run: () => void): () => void {
    this.waits.push(milliseconds);
    const turn = setImmediate(() => {
      this.time += milliseconds;
      run();
    });
    return () => clearImmediate(turn);
  }
}
