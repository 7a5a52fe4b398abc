import { Injectable } from '@nestjs/common';
import type { Clock } from '@orders-pipeline/clock';

/** How often the lag is read, in ms. The emission can exceed the ceiling for this long. */
const CHECK_INTERVAL_MS = 1_000;

/**
 * Pauses the emission while the consumer lag is at or above the ceiling. The lag exceeds it by at most one second of emission.
 * An unknown lag pauses nothing: without Kafka nothing is sent anyway.
 */
@Injectable()
export class LagCeiling {
  private checkedAt = Number.NEGATIVE_INFINITY;
  private reached = false;

  /** @param lag returns the consumer lag, in records */
  constructor(
    private readonly ceiling: number,
    private readonly lag: () => Promise<number>,
    private readonly clock: Clock,
  ) {}

  /** Whether the emission must wait now. */
  async isReached(): Promise<boolean> {
    const now = this.clock.now();
    if (now - this.checkedAt < CHECK_INTERVAL_MS) return this.reached;
    this.checkedAt = now;
    this.reached = await this.lag().then(
      (lag) => lag >= this.ceiling,
      () => false,
    );
    return this.reached;
  }
}
