import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import { SIGN_OF_LIFE_EVERY_MS, type TopicPartitions } from '#orders/topics/topic-partitions.js';
import type { WakeUp } from '../background/wake-up.js';
import type { ProducerList } from './producer-list.js';
import type { SendGate } from './send-gate.js';

/**
 * Keeps this process in the list of producers, closes its gate when the topic gets more partitions, confirms that, and opens it with
 * the new count. While MongoDB is away, an open gate stays open, since no expansion goes on without this process, and a closed one
 * stays closed.
 */
export class ExpansionWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('expansion');
  private expansion: string | null = null;
  private isStopped = false;
  private cancel: () => void = () => undefined;
  private renewing: Promise<void> = Promise.resolve();

  constructor(
    private readonly list: Pick<ProducerList, 'join' | 'renew' | 'leave'>,
    private readonly gate: SendGate,
    private readonly wakeUp: WakeUp,
    private readonly clock: Clock = systemClock,
  ) {}

  /** Takes note of what the list has said when this process joined, before anything is sent. */
  begin(joined: TopicPartitions): void {
    this.follow(joined);
  }

  onApplicationBootstrap(): void {
    this.schedule(0);
  }

  /** Leaves the list: everything that sends has stopped before. */
  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    this.cancel();
    await this.renewing;
    try {
      await this.list.leave();
    } catch (error) {
      this.logger.warn(
        { reason: String(error) },
        'cannot leave the list of producers: an expansion will ask for this one',
      );
    }
  }

  private schedule(inMs: number): void {
    if (this.isStopped) return;
    this.cancel = this.clock.after(inMs, () => {
      this.renewing = this.renew().then(() => this.schedule(SIGN_OF_LIFE_EVERY_MS));
    });
  }

  private async renew(): Promise<void> {
    try {
      const found = await this.list.renew(this.gate.isClosed ? this.expansion : null);
      if (found !== undefined) return this.follow(found);
      // An expansion may have taken place without this process.
      this.logger.error('an operator has declared this process ended, but it runs: it closes and joins again');
      await this.gate.close();
      this.follow(await this.list.join());
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'cannot renew the entry in the list of producers, retrying');
    }
  }

  private follow({ expansion, partitions }: TopicPartitions): void {
    this.expansion = expansion?.id ?? null;
    if (expansion !== null) return this.close(expansion.to);
    if (!this.gate.isClosed) return;
    this.gate.open(partitions ?? this.gate.partitions);
    this.logger.log({ partitions: this.gate.partitions }, 'sending again');
    this.wakeUp.call();
  }

  private close(to: number): void {
    if (!this.gate.isOpen) return;
    this.logger.log({ from: this.gate.partitions, to }, 'the topic gets more partitions: sending stops');
    this.gate.close().catch((error: unknown) => {
      this.logger.error({ reason: String(error) }, 'cannot close: an expansion waits for this process');
    });
  }
}
