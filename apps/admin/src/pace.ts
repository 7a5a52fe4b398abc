import { pause, type Clock } from '@orders-pipeline/clock';

/**
 * Works only a share of the time, so that the services keep the rest of the database and of the machine. While others use the machine, its
 * steps take longer, and so do its pauses.
 */
export class Pace {
  private readonly pausePerWork: number;

  /** @param percent the share of the time, 1 to 100; 100: never pauses */
  constructor(
    private readonly clock: Clock,
    percent: number,
  ) {
    this.pausePerWork = (100 - percent) / percent;
  }

  /** Runs work, and pauses after it. */
  async work<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = this.clock.now();
    const result = await work();
    await this.rest(startedAt);
    return result;
  }

  /** Yields the items, and pauses after the work on each, including that of reading it. */
  async *each<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    let startedAt = this.clock.now();
    for await (const item of items) {
      yield item;
      await this.rest(startedAt);
      startedAt = this.clock.now();
    }
  }

  private async rest(startedAt: number): Promise<void> {
    const milliseconds = Math.round((this.clock.now() - startedAt) * this.pausePerWork);
    if (milliseconds > 0) await pause(this.clock, milliseconds);
  }
}
