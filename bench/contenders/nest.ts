import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern } from '@nestjs/microservices';
import { systemClock } from '@orders-pipeline/clock';
import {
  noPayload,
  PARALLEL_CONSUMER,
  type ParallelConsumerContext,
  ParallelConsumerServer,
} from '@orders-pipeline/nestjs-parallel-consumer';
import type { OutgoingRecord, RecordHandler } from '@orders-pipeline/parallel-consumer';
import type { Acknowledgement, ReliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { OrderCodec } from '#orders/order/order-codec.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import { classifySaveFailure } from '../../apps/consumer/src/order-saver.js';
import { Interruptions } from '../../apps/producer/src/background/interruptions.js';
import { Leases } from '../../apps/producer/src/background/operation-leases.js';
import { WakeUp } from '../../apps/producer/src/background/leased-job.js';
import { consumerLag, LagCeiling } from '../../apps/producer/src/publishing/publish-segment.js';
import { PublishingJob } from '../../apps/producer/src/publishing/publishing-job.js';
import { OrdersTopic } from '../../apps/producer/src/publishing/orders-topic.js';
import { SegmentLeases } from '../../apps/producer/src/publishing/segment-leases.js';
import { SendGate } from '../../apps/producer/src/publishing/send-gate.js';
import { Operations } from '../../apps/producer/src/operations/operations.js';
import { PopulateRequestSchema } from '../../apps/producer/src/operations/operation-requests.js';
import { DEAD_LETTERS, kafkaAt, logger, PARTITIONS, SMALL_FETCH } from '../kafka.js';
import type { Contenders } from './job.js';
import type { Meter } from './meter.js';
import { connectClient } from './plain.js';
import { connectSave, meteredSaver } from './saving.js';

// Contenders that load NestJS: its transport over the engine, and the producer app that publishes test orders.

export const contenders: Contenders<'nest-save' | 'app-publishing'> = {
  'nest-save': async (job, meter) => {
    const { inFlight, saveMs, handledBy } = job.parameters;
    const { handler } = await meteredSaver(job, saveMs, meter);
    const strategy = new ParallelConsumerServer({
      kafka: kafkaAt(job.brokers),
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
  },

  /**
   * Publishes the test orders of one populate with the parts of the producer app: lease, progress and chunk positions are stored in MongoDB.
   * The consumer lag is polled, but no lag ceiling stops it.
   */
  'app-publishing': async (job, meter) => {
    // By default Nest logs to stdout, which is reserved for the table.
    Logger.overrideLogger({ log: () => undefined, warn: logWarning, error: logWarning });
    const { codec, mongo } = await connectSave(job);
    const { chunkSize, client } = job.parameters;
    const topic = new MeteredTopic((await connectClient(job, client)).producer(), codec, meter);
    const positions = new KafkaPositions(kafkaAt(job.brokers));
    const ceiling = new LagCeiling(Infinity, async () => consumerLag(positions), systemClock);
    const populate = PopulateRequestSchema.parse({ count: job.records, chunkSize });
    await new Operations(mongo).createPopulate(populate, undefined);
    const segments = new SegmentLeases(mongo, new Leases(mongo));
    new PublishingJob(segments, new Interruptions(mongo), topic, ceiling, mongo, new WakeUp()).onApplicationBootstrap();
    await meter.done;
  },
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

/** The producer app's topic; reports acknowledged records to the meter. */
class MeteredTopic extends OrdersTopic {
  constructor(
    producer: ReliableProducer,
    codec: OrderCodec,
    private readonly meter: Meter,
  ) {
    super(() => producer, codec, new SendGate(PARTITIONS));
  }

  override async send(records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    this.meter.begin();
    const acknowledged = await super.send(records);
    this.meter.finished(records.length);
    return acknowledged;
  }
}

function logWarning(details: unknown): void {
  logger.warn({ details }, 'publishing');
}
