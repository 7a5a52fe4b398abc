import type { Interruption } from '#orders/operation/operation.js';
import { LeaseLostError } from './lease.js';
import type { WakeUp } from './wake-up.js';

/** How often a lease is renewed, in ms. The renewal also reads interruption requests from other processes. */
const RENEW_EVERY_MS = 1_000;

/** Renews a lease until it is lost or the operation is interrupted. Renewal continues while Kafka is unavailable. */
export class HeldLease {
  private readonly ending = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly unsubscribe: () => void;

  /**
   * @param renew resolves to the requested interruption; rejects with LeaseLostError when the lease is lost; other errors are retried
   * @param onRetry called when a renewal failed and will be retried
   */
  constructor(
    private readonly renew: () => Promise<Interruption | null>,
    private readonly onRetry: (error: unknown) => void,
    wakeUp: WakeUp,
  ) {
    // An interruption may have been requested.
    this.unsubscribe = wakeUp.listen(() => void this.refresh());
    this.timer = setInterval(() => void this.refresh(), RENEW_EVERY_MS);
  }

  /** Aborts when the work must end. */
  get over(): AbortSignal {
    return this.ending.signal;
  }

  /** Ends the work when a write under the lease returned an interruption. */
  note(interruption: Interruption | null): void {
    if (interruption !== null) this.ending.abort();
  }

  stop(): void {
    clearInterval(this.timer);
    this.unsubscribe();
  }

  private async refresh(): Promise<void> {
    try {
      this.note(await this.renew());
    } catch (error) {
      if (error instanceof LeaseLostError) this.ending.abort();
      else this.onRetry(error);
    }
  }
}
