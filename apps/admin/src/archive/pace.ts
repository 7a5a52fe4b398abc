import { InvalidArgumentError } from 'commander';
import { pause, type Clock } from '@orders-pipeline/clock';

/** How much of the time a command works, in percent, if `--share` is not given. */
export const DEFAULT_SHARE = 75;

/** Parses `--share`. @throws InvalidArgumentError */
export function toShare(text: string): number {
  if (!/^(?:[1-9]\d?|100)$/.test(text)) throw new InvalidArgumentError('It must be an integer from 1 to 100.');
  return Number(text);
}

/** Works only a share of the time, so that the services keep the rest of the database and of the machine. */
export class Pace {
  private readonly pausePerWork: number;

  /** @param percent the share of the time, 1 to 100 */
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
    const milliseconds = (this.clock.now() - startedAt) * this.pausePerWork;
    if (milliseconds > 0) await pause(this.clock, milliseconds);
  }
}
