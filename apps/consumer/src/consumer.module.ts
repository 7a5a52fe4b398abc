import { Module } from '@nestjs/common';
import { ensureDeadLetterIndexes } from '#orders/dead-letters.js';
import { OrderCodec } from '#orders/order-codec.js';
import type { OrderDocument } from '#orders/order-document.js';
import { ensureOrderIndexes } from '#orders/orders-collection.js';
import { prepareTopics } from '#orders/prepare-topics.js';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC, SAVERS_GROUP } from '#orders/topics.js';
import { connectKafka } from '#parallel-consumer/kafka/kafkajs.js';
import { KafkajsBroker } from '#parallel-consumer/kafka/kafkajs-broker.js';
import { ParallelConsumer } from '#parallel-consumer/parallel-consumer.js';
import { HealthModule } from '#service/health.js';
import { KafkaProbe } from '#service/kafka-probe.js';
import { createLogger, logsModule } from '#service/logs.js';
import { MetricsModule } from '#service/metrics.js';
import { Mongo } from '#service/mongo.js';
import { insertOrders } from './bulk-insert.js';
import { ConsumerMetrics } from './consumer-metrics.js';
import { DEAD_LETTER_GROUP, DeadLetterProjector, projectDeadLetter } from './dead-letter-projector.js';
import { GroupCommit } from './group-commit.js';
import { OrderSaver } from './order-saver.js';
import { OrdersSavers } from './orders-savers.js';
import { ConsumerReadiness } from './readiness.js';
import { classifySaveFailure } from './save-failure.js';
import { settings } from './settings.js';
import { SimulatedDelay } from './simulated-delay.js';

const logger = createLogger('consumer', settings.LOG_LEVEL);
const kafka = connectKafka({ brokers: settings.KAFKA_BROKERS, clientId: 'orders-consumer', logger });

async function connectMongo(): Promise<Mongo> {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-consumer');
  await ensureOrderIndexes(mongo.db);
  await ensureDeadLetterIndexes(mongo.db);
  return mongo;
}

async function createSaver(mongo: Mongo): Promise<OrderSaver> {
  const codec = await OrderCodec.connect(settings.SCHEMA_REGISTRY_URL);
  const delay = new SimulatedDelay(settings.SAVE_DELAY_MS, Math.random);
  const inserts = new GroupCommit(async (documents: readonly OrderDocument[]) => insertOrders(mongo, documents), {
    maxItems: 1_000,
    lingerMs: 10,
    maxWrites: 2,
  });
  return new OrderSaver(codec, delay, inserts);
}

async function createSavers(saver: OrderSaver): Promise<OrdersSavers> {
  await prepareTopics(kafka, { partitions: settings.TOPIC_PARTITIONS, clusterId: settings.KAFKA_CLUSTER_ID });
  const broker = new KafkajsBroker({ kafka, topic: ORDERS_TOPIC, groupId: SAVERS_GROUP, logger });
  const consumer = new ParallelConsumer(
    {
      handler: (record, attempt) => saver.save(record, attempt),
      classify: classifySaveFailure,
      deadLetterTopic: DEAD_LETTER_TOPIC,
      inFlight: settings.IN_FLIGHT_LIMIT,
      logger,
    },
    broker,
  );
  return new OrdersSavers(consumer);
}

function createProjector(mongo: Mongo, _topicsAreThere: OrdersSavers): DeadLetterProjector {
  const named = logger.child({ group: DEAD_LETTER_GROUP });
  const broker = new KafkajsBroker({ kafka, topic: DEAD_LETTER_TOPIC, groupId: DEAD_LETTER_GROUP, logger: named });
  const handler = async (record: Parameters<typeof projectDeadLetter>[1]): Promise<void> =>
    projectDeadLetter(mongo, record);
  // A letter that can't be projected waits for its database; there is no further place to put it.
  const options = {
    handler,
    classify: () => 'environment' as const,
    deadLetterTopic: DEAD_LETTER_TOPIC,
    inFlight: 100,
    logger: named,
  };
  return new DeadLetterProjector(new ParallelConsumer(options, broker));
}

@Module({
  providers: [
    { provide: Mongo, useFactory: connectMongo },
    { provide: KafkaProbe, useValue: new KafkaProbe(kafka) },
    { provide: OrderSaver, useFactory: createSaver, inject: [Mongo] },
    { provide: OrdersSavers, useFactory: createSavers, inject: [OrderSaver] },
    { provide: DeadLetterProjector, useFactory: createProjector, inject: [Mongo, OrdersSavers] },
    ConsumerMetrics,
  ],
  exports: [Mongo, KafkaProbe, OrdersSavers],
})
class SavingModule {}

@Module({
  imports: [logsModule(logger), MetricsModule, SavingModule, HealthModule.with(ConsumerReadiness, [SavingModule])],
})
export class ConsumerModule {}
