import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import {
  nestEngineLogger,
  PARALLEL_CONSUMER,
  ParallelConsumerContext,
  ParallelConsumerServer,
} from '@orders-pipeline/nestjs-parallel-consumer';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';

@Controller()
class OrdersController {
  private readonly logger = new Logger(OrdersController.name);

  @EventPattern<string>('orders.v1', PARALLEL_CONSUMER)
  async save(@Payload() order: { id: string; quantity: number }, @Ctx() context: ParallelConsumerContext) {
    const { record, attempt } = context;
    this.logger.log(`saving ${order.id}, attempt ${attempt.number}`);
    if (order.quantity < 1) throw new RangeError(`order ${order.id} has no quantity`);
    await sleep(500); // a slow database
    this.logger.log(`saved ${order.id} of partition ${record.partition}`);
  }
}

@Module({ controllers: [OrdersController] })
class AppModule {}

const brokers = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',');
const kafka = connectKafka({ brokers, clientId: 'orders', logger: nestEngineLogger(new Logger('kafka')) });
const app = await NestFactory.create(AppModule);
app.connectMicroservice({
  strategy: new ParallelConsumerServer({
    kafka,
    topics: {
      'orders.v1': { groupId: 'orders-savers', deadLetterTopic: 'orders.v1.dead-letter', inFlight: 1_000 },
    },
  }),
});
app.enableShutdownHooks(); // SIGTERM and Ctrl-C drain
await app.init();
await app.startAllMicroservices();
await app.listen(process.env['PORT'] ?? 3000);
