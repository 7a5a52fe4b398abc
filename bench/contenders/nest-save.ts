import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern } from '@nestjs/microservices';
import {
  noPayload,
  ParallelConsumerContext,
  PARALLEL_CONSUMER,
  ParallelConsumerServer,
} from '@orders-pipeline/nestjs-parallel-consumer';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { OrderSaver } from '../../apps/consumer/src/save/order-saver.js';
import { classifySaveFailure } from '../../apps/consumer/src/save/save-failure.js';
import { DEAD_LETTERS } from '../datasets/dataset.js';
import { SMALL_FETCH } from '../harness/fetch-size.js';
import { connectSave } from './connect-save.js';
import { contenderLogger as logger } from './contender-logger.js';
import type { Contender } from './contender.js';
import type { Meter } from './meter.js';
import { orderSaver } from './order-saver.js';

export const contend: Contender<'nest-save'> = async (job, meter) => {
  const { inFlight, saveMs } = job.parameters;
  const saver = orderSaver(await connectSave(job), saveMs);
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
      },
    },
  });
  const app = await NestFactory.createMicroservice(moduleFor(job.topic, saver, meter), { strategy, logger: false });
  await app.listen();
  await meter.done;
};

/** Builds the module of the consumer app. Each run has its own topic, so each needs its own classes. */
function moduleFor(topic: string, saver: OrderSaver, meter: Meter): new () => object {
  const finished = (): void => meter.finished();

  @Controller()
  class OrdersController {
    // oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- without it a non-literal topic selects another overload
    @EventPattern<string>(topic, PARALLEL_CONSUMER)
    save(@Ctx() { record, attempt }: ParallelConsumerContext): Promise<void> {
      meter.begin();
      return saver.save(record, attempt).then(finished);
    }
  }

  @Module({ controllers: [OrdersController] })
  class SavingModule {}

  return SavingModule;
}
