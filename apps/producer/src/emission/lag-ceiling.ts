import { Injectable } from '@nestjs/common';
import type { Clock } from '#parallel-consumer/clock.js';

/** How often the lag is looked at: so much emission may pass the ceiling. */
const LOOK_EVERY_MS = 1_000;

/**
 * Keeps the emission from running away from the consumers: while they are further behind than the ceiling, nothing is emitted.
 * Passed by at most what is emitted in a second. A lag that can't be learnt holds nothing up: without Kafka nothing is sent anyway.
 */
@Injectable()
export class LagCeiling {
  private lookedAt = Number.NEGATIVE_INFINITY;
  private reached = false;

  /** @param lag how many records the consumers have not finished */
  constructor(
    private readonly ceiling: number,
    private readonly lag: () => Promise<number>,
    private readonly clock: Clock,
  ) {}

  /** Whether to wait now. */
  async isReached(): Promise<boolean> {
    const now = this.clock.now();
    if (now - this.lookedAt < LOOK_EVERY_MS) return this.reached;
    this.lookedAt = now;
    this.reached = await this.lag().then(
      (lag) => lag >= this.ceiling,
      () => false,
    );
    return this.reached;
  }
}
