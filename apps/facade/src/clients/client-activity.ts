import { Injectable } from '@nestjs/common';
import { systemClock, type Clock } from '@orders-pipeline/clock';

const RECENT_MS = 1_000;

/** Knows whether this instance serves clients now. */
@Injectable()
export class ClientActivity {
  private lastAt = Number.NEGATIVE_INFINITY;
  private readonly clock: Pick<Clock, 'now'> = systemClock;

  noteRequest(): void {
    this.lastAt = this.clock.now();
  }

  /** Returns whether there was a request within the last second. */
  get isBusy(): boolean {
    return this.clock.now() - this.lastAt < RECENT_MS;
  }
}
