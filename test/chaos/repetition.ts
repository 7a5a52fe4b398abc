import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 100;

/** Waits until a condition holds. @returns whether it did within the limit */
export async function holdsWithin(limitMs: number, condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Repeats some work, with a pause after each time, until it is ended. */
export class Repetition {
  private readonly over = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly everyMs: number,
    private readonly work: () => void | Promise<void>,
  ) {}

  get isOver(): boolean {
    return this.over.signal.aborted;
  }

  begin(): void {
    this.running = this.run();
  }

  /** Resolves when the work that is being done has ended. */
  async end(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      await this.work();
      await Promise.allSettled([delay(this.everyMs, undefined, { signal: this.over.signal })]);
    }
  }
}
