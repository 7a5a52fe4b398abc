import type { Clock } from '#parallel-consumer/clock.js';

/**
 * Asks something that may be away, and doesn't wait longer for it than somebody who looks on would. One question at a time: while the last one
 * still waits for its answer, no other is added to what a server that comes back has to answer.
 */
export class SingleFlight<T> {
  private asking: Promise<unknown> | undefined;

  constructor(
    private readonly ask: () => Promise<T>,
    private readonly clock: Clock,
    private readonly patienceMs: number,
  ) {}

  /** @returns `null` when there was no answer in time, or an error: it is unknown */
  async answer(): Promise<T | null> {
    if (this.asking !== undefined) return null;
    const answering = this.ask().catch(() => null);
    this.asking = answering.finally(() => {
      this.asking = undefined;
    });
    let cancel: (() => void) | undefined;
    const late = new Promise<null>((resolve) => {
      cancel = this.clock.after(this.patienceMs, () => resolve(null));
    });
    return Promise.race([answering, late]).finally(() => cancel?.());
  }
}
