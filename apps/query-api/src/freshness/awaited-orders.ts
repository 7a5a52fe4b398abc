import { Injectable } from '@nestjs/common';
import type { Order } from '#orders/order/order.js';
import { pause, systemClock } from '@orders-pipeline/clock';
import { SavedOrders } from '../orders/saved-orders.js';

const POLL_INTERVAL_MS = 50;

interface Waiting {
  readonly id: string;
  readonly until: number;
  readonly signal: AbortSignal;
  readonly settle: (order: Order | null) => void;
  readonly fail: (error: unknown) => void;
}

/** Waits for orders that are not saved yet; `WaitingReads` limits how many. One query polls all of them every 50 ms while requests wait. */
@Injectable()
export class AwaitedOrders {
  private readonly waiting = new Set<Waiting>();
  private isPolling = false;

  constructor(private readonly saved: SavedOrders) {}

  /**
   * Waits until an order is saved, for at most `waitMs`.
   * @param id in lower case
   * @param signal ends the wait when the client disconnects
   * @returns the order as soon as it is saved; `null` after `waitMs`
   */
  async find(id: string, waitMs: number, signal: AbortSignal): Promise<Order | null> {
    const until = systemClock.now() + waitMs;
    return new Promise<Order | null>((settle, fail) => {
      this.waiting.add({ id, until, signal, settle, fail });
      if (!this.isPolling) void this.poll();
    });
  }

  private async poll(): Promise<void> {
    this.isPolling = true;
    while (this.waiting.size > 0) {
      await pause(systemClock, POLL_INTERVAL_MS);
      try {
        await this.settleReady();
      } catch (error) {
        for (const waiting of this.waiting) waiting.fail(error);
        this.waiting.clear();
      }
    }
    this.isPolling = false;
  }

  private async settleReady(): Promise<void> {
    const now = systemClock.now();
    const polled = [...this.waiting];
    const orders = await this.saved.byIds(new Set(polled.map(({ id }) => id)));
    for (const waiting of polled) {
      const order = orders.get(waiting.id);
      if (order === undefined && now < waiting.until && !waiting.signal.aborted) continue;
      this.waiting.delete(waiting);
      waiting.settle(order ?? null);
    }
  }
}
