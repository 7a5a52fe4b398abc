import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics.js';
import { ParallelConsumerServer } from '#nestjs-parallel-consumer/parallel-consumer-server.js';
import type { ParallelConsumerStatus } from '#parallel-consumer/status.js';
import { ProgressMeter } from './progress-line.js';

const PROGRESS_EVERY_MS = 5_000;

/** How this process's member of the group `orders-savers` is, and the line that tells its progress. */
@Injectable()
export class OrdersConsumer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('orders-savers');
  private progress: NodeJS.Timeout | undefined;

  constructor(private readonly server: ParallelConsumerServer) {}

  get status(): ParallelConsumerStatus {
    return this.server.statusOf(ORDERS_TOPIC);
  }

  /** How its member of the group is that carries dead letters into MongoDB. */
  get deadLetters(): ParallelConsumerStatus {
    return this.server.statusOf(DEAD_LETTER_TOPIC);
  }

  /** From now on. What runs beyond a lower limit is let end. */
  setInFlight(limit: number | 'auto'): void {
    this.server.unwrap().get(ORDERS_TOPIC)?.setInFlight(limit);
  }

  onApplicationBootstrap(): void {
    const meter = new ProgressMeter(Date.now());
    this.progress = setInterval(() => {
      const line = meter.next(this.status, Date.now());
      if (line !== undefined) this.logger.log(line, `${line.processed}/${line.total} orders, ${line.savedPerSecond}/s`);
    }, PROGRESS_EVERY_MS);
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.progress);
  }
}
