import { setTimeout as delay } from 'node:timers/promises';
import { operationsCollection } from '#orders/operation.js';
import { ackedOrders } from '#orders/segments.js';
import type { Mongo } from '#service/mongo.js';
import type { Progress } from './recovery.js';

const LOOK_EVERY_MS = 500;

/** How many orders of one operation are acknowledged, looked at twice a second. */
export class AckedWatch {
  /** As of the last look that was answered. */
  last: Progress['lastAcked'];
  private readonly over = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly mongo: Mongo,
    private readonly onLook: (acked: number | null) => void,
  ) {}

  begin(operationId: string): void {
    this.running = this.run(operationId);
  }

  async end(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  private async run(operationId: string): Promise<void> {
    while (!this.over.signal.aborted) {
      this.onLook(await this.look(operationId));
      await Promise.allSettled([delay(LOOK_EVERY_MS, undefined, { signal: this.over.signal })]);
    }
  }

  private async look(_id: string): Promise<number | null> {
    const askedAt = performance.now();
    try {
      const operation = await operationsCollection(this.mongo.db).findOne({ _id }, { projection: { segments: 1 } });
      if (operation === null) return null;
      this.last = { orders: ackedOrders(operation.segments), askedAt };
      return this.last.orders;
    } catch {
      // MongoDB has no primary now, which is what a fault is for.
      return null;
    }
  }
}
