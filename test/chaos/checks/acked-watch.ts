import { setTimeout as delay } from 'node:timers/promises';
import { operationsCollection } from '#orders/operation/operation.js';
import { ackedOrders } from '#orders/operation/segments.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import type { Progress } from './recovery.js';

const POLL_INTERVAL_MS = 500;

/** Polls twice a second how many orders of one operation are acknowledged. */
export class AckedWatch {
  /** Result of the last successful poll. */
  last: Progress['lastAcked'];
  private readonly over = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly mongo: Mongo,
    private readonly onPoll: (acked: number | null) => void,
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
      this.onPoll(await this.poll(operationId));
      await Promise.allSettled([delay(POLL_INTERVAL_MS, undefined, { signal: this.over.signal })]);
    }
  }

  private async poll(_id: string): Promise<number | null> {
    const polledAt = performance.now();
    try {
      const operation = await operationsCollection(this.mongo.db).findOne({ _id }, { projection: { segments: 1 } });
      if (operation === null) return null;
      this.last = { orders: ackedOrders(operation.segments), polledAt };
      return this.last.orders;
    } catch {
      // MongoDB has no primary now: some faults cause exactly this.
      return null;
    }
  }
}
