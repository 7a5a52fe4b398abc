import { Injectable } from '@nestjs/common';
import { systemClock } from '@orders-pipeline/clock';
import { consumersCollection, GONE_AFTER_MS, type ConsumerHeartbeat } from '#orders/consumer/consumers.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { PacedRead } from './paced-read.js';

const MAX_PAUSE_MS = 1_000;

export type ConsumerReason = Pick<ConsumerHeartbeat, 'name' | 'state' | 'notReadyBecause'>;

/** Finds out why saves wait, from the consumers' heartbeats. All readers share one read per second. */
@Injectable()
export class WaitingConsumers {
  private readonly consumers = new PacedRead(
    async () => this.running(),
    { clock: systemClock, sharers: () => 1 },
    MAX_PAUSE_MS,
  );

  constructor(private readonly mongo: Mongo) {}

  /** @returns what saves wait for, as `waitText` */
  async text(): Promise<string | null> {
    return waitText(await this.consumers.get());
  }

  private async running(): Promise<ConsumerReason[]> {
    const since = new Date(this.mongo.time.now().getTime() - GONE_AFTER_MS);
    return consumersCollection(this.mongo.db)
      .find({ at: { $gte: since } })
      .project<ConsumerReason>({ name: 1, state: 1, notReadyBecause: 1 })
      .sort({ name: 1 })
      .toArray();
  }
}

/**
 * Returns what saves wait for: a consumer, if none is running, or the consumers that can not work, each with its reason.
 * @returns `null` if all work, or do so in a moment: they start, drain or rebalance
 */
export function waitText(consumers: readonly ConsumerReason[]): string | null {
  if (consumers.length === 0) return 'a consumer: none is running';
  const waiting = consumers.filter(({ state }) => state === 'waiting');
  return waiting.length === 0
    ? null
    : waiting.map(({ name, notReadyBecause }) => `${name}: ${notReadyBecause}`).join('; ');
}
