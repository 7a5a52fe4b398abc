import type { Clock } from '@orders-pipeline/clock';

/**
 * Sends requests to a server that may be unavailable, one at a time and with a timeout. While a request is pending no other is sent, so
 * that a server that recovers does not face a queue of them.
 */
export class SingleFlight<T> {
  private pending: Promise<unknown> | undefined;

  constructor(
    private readonly request: () => Promise<T>,
    private readonly clock: Clock,
    private readonly timeoutMs: number,
  ) {}

  /** @returns `null` when the request fails, times out, or another one is pending */
  async result(): Promise<T | null> {
    if (this.pending !== undefined) return null;
    const result = this.request().catch(() => null);
    this.pending = result.finally(() => {
      this.pending = undefined;
    });
    let cancel: (() => void) | undefined;
    const timeout = new Promise<null>((resolve) => {
      cancel = this.clock.after(this.timeoutMs, () => resolve(null));
    });
    return Promise.race([result, timeout]).finally(() => cancel?.());
  }
}
