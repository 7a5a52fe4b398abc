import type { Interruption } from '#orders/operation.js';
import { LeaseLostError } from './lease.js';
import type { WakeUp } from './wake-up.js';

/** How often a lease is renewed, and another process's wish for a pause noticed, while nothing is acknowledged. */
const RENEW_EVERY_MS = 1_000;

/** A lease that is renewed until it is lost or something else is wanted of its operation: also while Kafka is away for long. */
export class HeldLease {
  private readonly ending = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly unsubscribe: () => void;

  /**
   * @param renew resolves to what is wanted; rejects with LeaseLostError, or with anything else when it should be tried again
   * @param onTrouble told of a renewal that failed and is tried again
   */
  constructor(
    private readonly renew: () => Promise<Interruption | null>,
    private readonly onTrouble: (error: unknown) => void,
    wakeUp: WakeUp,
  ) {
    // There may be a wish.
    this.unsubscribe = wakeUp.listen(() => void this.look());
    this.timer = setInterval(() => void this.look(), RENEW_EVERY_MS);
  }

  /** Aborts when the work must end. */
  get over(): AbortSignal {
    return this.ending.signal;
  }

  /** What a write under the lease has shown to be wanted. */
  note(wanted: Interruption | null): void {
    if (wanted !== null) this.ending.abort();
  }

  stop(): void {
    clearInterval(this.timer);
    this.unsubscribe();
  }

  private async look(): Promise<void> {
    try {
      this.note(await this.renew());
    } catch (error) {
      if (error instanceof LeaseLostError) this.ending.abort();
      else this.onTrouble(error);
    }
  }
}
