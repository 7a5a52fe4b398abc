import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { ParallelConsumer } from '#parallel-consumer/parallel-consumer.js';
import type { ParallelConsumerStatus } from '#parallel-consumer/status.js';
import { ProgressMeter } from './progress-line.js';

const PROGRESS_EVERY_MS = 5_000;

/** This process's member of the group `orders-savers`, from the start of the service to its drain. */
@Injectable()
export class OrdersSavers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('orders-savers');
  private progress: NodeJS.Timeout | undefined;

  constructor(private readonly consumer: ParallelConsumer) {}

  get status(): ParallelConsumerStatus {
    return this.consumer.status;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.consumer.start();
    const meter = new ProgressMeter(Date.now());
    this.progress = setInterval(() => {
      const line = meter.next(this.consumer.status, Date.now());
      if (line !== undefined) this.logger.log(line, `${line.processed}/${line.total} orders, ${line.savedPerSecond}/s`);
    }, PROGRESS_EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.progress);
    await this.consumer.stop();
  }
}
