import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { ParallelConsumerServer } from '@orders-pipeline/nestjs-parallel-consumer';
import type { ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';
import { formatProgress, ProgressMeter } from '../report/progress-line.js';

const PROGRESS_EVERY_MS = 5_000;

/** Exposes the status of this process's member in the consumer group `orders-savers`, and logs its progress. */
@Injectable()
export class OrdersConsumer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('orders-savers');
  private progress: NodeJS.Timeout | undefined;

  constructor(private readonly server: ParallelConsumerServer) {}

  get status(): ParallelConsumerStatus {
    return this.server.getStatus(ORDERS_TOPIC);
  }

  /** The status of its member in the consumer group that projects dead letters into MongoDB. */
  get deadLetters(): ParallelConsumerStatus {
    return this.server.getStatus(DEAD_LETTER_TOPIC);
  }

  /** Changes the in-flight limit. Saves in flight above a lower limit are completed. */
  setInFlight(limit: number | 'auto'): void {
    this.server.unwrap().get(ORDERS_TOPIC)?.setInFlight(limit);
  }

  onApplicationBootstrap(): void {
    const meter = new ProgressMeter(Date.now());
    this.progress = setInterval(() => {
      const line = meter.next(this.status, Date.now());
      if (line !== undefined) this.logger.log(line, formatProgress(line));
    }, PROGRESS_EVERY_MS);
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.progress);
  }
}
