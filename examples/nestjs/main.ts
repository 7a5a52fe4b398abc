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

const logger = new Logger('payments');

interface Payment {
  id: string;
  amount: number;
}

@Controller()
class PaymentsController {
  @EventPattern<string>('payments.v1', PARALLEL_CONSUMER)
  async save(@Payload() payment: Payment | null, @Ctx() { record, attempt }: ParallelConsumerContext) {
    const { id, amount } = payment ?? { id: 'null', amount: 0 }; // a TypeError would count as an outage
    logger.log(`saving ${id}, attempt ${attempt.number}`);
    if (!(amount > 0)) throw new RangeError(`payment ${id} has no amount`);
    await sleep(500); // instead of a database
    logger.log(`saved ${id} of partition ${record.partition}`);
  }
}

@Module({ controllers: [PaymentsController] })
class AppModule {}

const brokers = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',');
const kafka = connectKafka({ brokers, clientId: 'payments', logger: nestEngineLogger(logger) });
const strategy = new ParallelConsumerServer({
  kafka,
  topics: {
    'payments.v1': {
      groupId: 'payments-savers',
      deadLetterTopic: 'payments.v1.dead-letter',
      // If unsure, treat an error as an outage: pause and retry.
      classify: (error) => (error instanceof RangeError ? 'poison' : 'environment'),
      inFlight: 1_000,
    },
  },
});
const app = await NestFactory.create(AppModule);
app.connectMicroservice({ strategy });
app.enableShutdownHooks(); // SIGTERM and Ctrl-C drain
await app.init();
await app.startAllMicroservices();
await app.listen(process.env['PORT'] ?? 3000);
