import type { Clock } from '@orders-pipeline/clock';

/** Lets several callers wait for a wake-up, each with its own timeout. */
export class ConditionVariable {
  private waiting = new Set<() => void>();

  /** Wakes all waiting callers. Cheap when there are none. */
  wake(): void {
    if (this.waiting.size === 0) return;
    const woken = this.waiting;
    this.waiting = new Set();
    for (const resume of woken) resume();
  }

  /** Resolves at the next `wake`, or after the given timeout. */
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
