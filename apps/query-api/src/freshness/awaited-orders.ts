import { HttpStatus, Injectable } from '@nestjs/common';
import type { Order } from '#orders/order.js';
import { pause, systemClock } from '#parallel-consumer/clock.js';
import { Problem } from '#service/problem.js';
import { SavedOrders } from '../orders/saved-orders.js';

const EVERY_MS = 50;
/** Who may wait at once: all are looked up by one query. */
const MAX_WAITING = 1_000;

interface Waiting {
  readonly id: string;
  readonly until: number;
  readonly signal: AbortSignal;
  readonly settle: (order: Order | null) => void;
  readonly fail: (error: unknown) => void;
}

/** Orders that somebody waits for: all of them are looked for together, twenty times a second, as long as anybody waits. */
@Injectable()
export class AwaitedOrders {
  private readonly waiting = new Set<Waiting>();
  private isLooking = false;

  constructor(private readonly saved: SavedOrders) {}

  /** Reads that wait now. */
  get count(): number {
    return this.waiting.size;
  }

  /**
   * @param id lower case
   * @param signal ends the wait: whoever asked is gone
   * @returns the order as soon as it is saved, or `null` when it isn't in time
   * @throws Problem 503 when too many wait already
   */
  async find(id: string, waitMs: number, signal: AbortSignal): Promise<Order | null> {
    if (this.waiting.size >= MAX_WAITING)
      throw new Problem(
        HttpStatus.SERVICE_UNAVAILABLE,
        'too-many-waiting',
        `${MAX_WAITING} requests wait for orders already. Try again, or ask without waitMs.`,
      );
    const until = systemClock.now() + waitMs;
    return new Promise<Order | null>((settle, fail) => {
      this.waiting.add({ id, until, signal, settle, fail });
      if (!this.isLooking) void this.look();
    });
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    while (this.waiting.size > 0) {
      await pause(systemClock, EVERY_MS);
      try {
        await this.settleThose();
      } catch (error) {
        for (const waiting of this.waiting) waiting.fail(error);
        this.waiting.clear();
      }
    }
    this.isLooking = false;
  }

  private async settleThose(): Promise<void> {
    const now = systemClock.now();
    const asked = [...this.waiting];
    const orders = await this.saved.byIds(new Set(asked.map(({ id }) => id)));
    for (const waiting of asked) {
      const order = orders.get(waiting.id);
      if (order === undefined && now < waiting.until && !waiting.signal.aborted) continue;
      this.waiting.delete(waiting);
      waiting.settle(order ?? null);
    }
  }
}
