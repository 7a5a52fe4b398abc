import type { Clock } from '../clock.js';

/** Lets several callers wait until something may have changed, each for a time at most. */
export class ConditionVariable {
  private waiting = new Set<() => void>();

  /** Wakes all that wait. Cheap when nobody does. */
  wake(): void {
    if (this.waiting.size === 0) return;
    const woken = this.waiting;
    this.waiting = new Set();
    for (const resume of woken) resume();
  }

  /** Resolves at the next `wake`, or after that many milliseconds. */
  async wait(clock: Clock, milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const resume = (): void => {
        cancel();
        this.waiting.delete(resume);
        resolve();
      };
      const cancel = clock.after(milliseconds, resume);
      this.waiting.add(resume);
    });
  }
}
