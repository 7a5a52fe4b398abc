import type { Clock } from '#parallel-consumer/clock.js';

/** A clock for specs with real connections: whoever waits waits for one turn of the event loop, and so much time has passed. */
export class HastyClock implements Clock {
  /** What was waited for, in milliseconds. */
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
