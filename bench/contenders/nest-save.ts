import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern } from '@nestjs/microservices';
import {
  noPayload,
  ParallelConsumerContext,
  PARALLEL_CONSUMER,
  ParallelConsumerServer,
} from '@orders-pipeline/nestjs-parallel-consumer';
import type { RecordHandler } from '@orders-pipeline/parallel-consumer';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { classifySaveFailure } from '../../apps/consumer/src/order-saver.js';
import { DEAD_LETTERS } from '../datasets/dataset.js';
import { SMALL_FETCH } from '../harness/fetch-size.js';
import { connectSave } from './connect-save.js';
import { contenderLogger as logger } from './contender-logger.js';
import type { Contender } from './contender.js';
import { meteredSaver } from './order-saver.js';

export const contend: Contender<'nest-save'> = async (job, meter) => {
  const { inFlight, saveMs, handledBy } = job.parameters;
  const { handler } = meteredSaver(await connectSave(job), saveMs, meter);
  const kafka = connectKafka({ brokers: job.brokers.split(','), clientId: 'bench', logger });
  const strategy = new ParallelConsumerServer({
    kafka,
    logger,
    topics: {
      [job.topic]: {
        groupId: job.groupId,
        inFlight,
        classify: classifySaveFailure,
        deadLetterTopic: DEAD_LETTERS,
        deserializer: noPayload,
        fetching: SMALL_FETCH,
        ...(handledBy === 'option' && { handler }),
      },
    },
  });
  const module = handledBy === 'method' ? moduleWith(job.topic, handler) : EmptyModule;
  const app = await NestFactory.createMicroservice(module, { strategy, logger: false });
  await app.listen();
  await meter.done;
};

@Module({})
class EmptyModule {}

/** Each run has its own topic, so each needs its own classes. */
function moduleWith(topic: string, handler: RecordHandler): new () => object {
  @Controller()
  class OrdersController {
    // oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- without it a non-literal topic selects another overload
    @EventPattern<string>(topic, PARALLEL_CONSUMER)
    save(@Ctx() { record, attempt }: ParallelConsumerContext): Promise<void> {
      return handler(record, attempt);
    }
  }

  @Module({ controllers: [OrdersController] })
  class SavingModule {}

  return SavingModule;
}
