import { Injectable, Module } from '@nestjs/common';
import { register } from 'prom-client';
import { systemClock } from '@orders-pipeline/clock';
import { noPayload, ParallelConsumerServer, type TopicOptions } from '@orders-pipeline/nestjs-parallel-consumer';
import type { ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { type ConsumerNames, PrometheusMetrics } from '@orders-pipeline/parallel-consumer/prometheus';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import { reportSaved } from '#orders/operation/saved-count.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { earlierPartitionCounts } from '#orders/topics/topic-partitions.js';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { Startup } from '#service/availability/startup.js';
import { HealthModule, ReadinessChecks } from '#service/health/health.js';
import { MetricsModule } from '#service/health/metrics.js';
import { dataClient, KafkaProbe } from '#service/kafka/kafka-clients.js';
import { kafkaAccess, registryAccess } from '#service/kafka/kafka-access.js';
import { prepareTopics, topicExpectations } from '#service/kafka/prepare-topics.js';
import { connectPrepared } from '#service/mongodb/connect-prepared.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { createLogger, logsModule } from '#service/process/logs.js';
import { tracing } from '#service/telemetry/tracing.js';
import { withoutArchived } from './archived-orders.js';
import { insertOrders, measuredInsert } from './bulk-insert.js';
import { DeadLetterProjection, DeadLettersController, LetterRejectedError } from './dead-letter-projection.js';
import { Heartbeat } from './heartbeat.js';
import { classifySaveFailure, OrderSaver } from './order-saver.js';
import { ConsumerEngine, RebalanceCounter } from './consumer-engine.js';
import { SavedReports } from './saved-reports.js';
import { settings } from './settings.js';
import { seededDelays, simulatedDelay } from './simulated-delay.js';

@Injectable()
class ConsumerReadiness extends ReadinessChecks {
  readonly checks;

  constructor(mongo: Mongo, kafka: KafkaProbe, savers: ConsumerEngine) {
    super();
    this.checks = {
      mongodb: () => mongo.ping(),
      kafka: () => kafka.check(),
      group: async () => requireReady(savers.status),
      deadLetters: async () => requireReady(savers.deadLetters),
    };
  }
}

function requireReady({ notReadyBecause }: ParallelConsumerStatus): void {
  if (notReadyBecause !== undefined) throw new Error(notReadyBecause);
}

const logger = createLogger('consumer', settings.LOG_LEVEL);
const kafkaOptions = { ...kafkaAccess(settings), clientId: 'orders-consumer', logger };
const kafka = connectKafka(kafkaOptions);
const client = await dataClient(settings, kafkaOptions);

/** Waits for MongoDB with its indexes, Kafka with its topics, and the registry, all at once. */
export const startup = new Startup(logger);
/** Not connected yet. */
const database = Promise.withResolvers<Mongo>();

async function connectMongo(): Promise<Mongo> {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-consumer');
  database.resolve(mongo);
  return connectPrepared(mongo, startup, ['orders', 'deadLetters', 'consumers']);
}

const earlierPartitions = async (): Promise<number[]> => earlierPartitionCounts((await database.promise).db);

async function connectKafkaProbe(): Promise<KafkaProbe> {
  const probe = new KafkaProbe(kafkaOptions);
  const expected = { ...topicExpectations(settings), earlierPartitions };
  await startup.until('kafka', async () => {
    await probe.check();
    await prepareTopics(kafka, expected, logger);
  });
  return probe;
}

async function connectCodec(): Promise<OrderCodec> {
  return startup.until('registry', async () => OrderCodec.connect(registryAccess(settings)));
}

/** Loads the list before anything is consumed. */
async function loadArchived({ db }: Mongo): Promise<ArchivedList> {
  const list = ArchivedList.of(db);
  await startup.until('archived orders', async () => list.refresh());
  return list;
}

function createSaver(mongo: Mongo, codec: OrderCodec, reports: SavedReports, archived: ArchivedList): OrderSaver {
  const { SAVE_DELAY_MS, SAVE_DELAY_SEED, MAX_ORDER_BYTES, BATCH_WAIT_MS } = settings;
  const draw = SAVE_DELAY_SEED === undefined ? Math.random : seededDelays(SAVE_DELAY_SEED, Math.random);
  const delay = simulatedDelay(SAVE_DELAY_MS, draw, systemClock);
  const inserted = withoutArchived(
    async (documents) => insertOrders(mongo, documents),
    archived,
    ArchivedIds.of(mongo.db, archived),
  );
  const insert = measuredInsert(inserted, register);
  const limits = { maxBytes: MAX_ORDER_BYTES, batchWaitMs: BATCH_WAIT_MS };
  return new OrderSaver(codec, delay, limits, reports.reporting(insert));
}

function createSavedReports(mongo: Mongo): SavedReports {
  return new SavedReports(async (report) => reportSaved(mongo.db, report), systemClock);
}

function createServer(rebalances: RebalanceCounter, saver: OrderSaver): ParallelConsumerServer {
  const metrics = new PrometheusMetrics(register);
  const savers: ConsumerNames = { topic: ORDERS_TOPIC, group: ORDERS_CONSUMER_GROUP };
  const projectors: ConsumerNames = { topic: DEAD_LETTER_TOPIC, group: DEAD_LETTER_GROUP };
  const orders: TopicOptions = {
    groupId: ORDERS_CONSUMER_GROUP,
    observer: rebalances.countedBy(metrics.observer(savers)),
    ...tracedBy(ORDERS_CONSUMER_GROUP),
    classify: classifySaveFailure,
    deadLetterTopic: DEAD_LETTER_TOPIC,
    inFlight: settings.IN_FLIGHT_LIMIT,
    ordering: settings.ORDERING,
    poisonShare: settings.POISON_SHARE,
    // Not an `@EventPattern` method: Nest's handler path caused a third of this process's garbage.
    handler: saver.handler,
  };
  // A dead letter that can't be stored is retried for ever, since it can not be dead-lettered again: `onDeadLetter` is never reached. If
  // MongoDB rejects a single dead letter of a batch, only that one is retried.
  const deadLetters: TopicOptions = {
    groupId: DEAD_LETTER_GROUP,
    observer: metrics.observer(projectors),
    ...tracedBy(DEAD_LETTER_GROUP),
    classify: (error) => (error instanceof LetterRejectedError ? 'retriable' : 'environment'),
    maxAttempts: Number.MAX_SAFE_INTEGER,
    onDeadLetter: 'stop',
    inFlight: 1_000,
    deserializer: noPayload,
    logger: logger.child({ group: DEAD_LETTER_GROUP }),
  };
  const topics = { [ORDERS_TOPIC]: orders, [DEAD_LETTER_TOPIC]: deadLetters };
  const server = new ParallelConsumerServer({ kafka: (options) => client.broker(options), logger, topics });
  for (const names of [savers, projectors])
    metrics.watch(names, {
      get status() {
        return server.getStatus(names.topic);
      },
    });
  return server;
}

function tracedBy(groupId: string): Pick<TopicOptions, 'tracer'> {
  const tracer = tracing()?.recordsOf(groupId);
  return tracer === undefined ? {} : { tracer };
}

@Module({
  controllers: [DeadLettersController],
  providers: [
    { provide: Mongo, useFactory: connectMongo },
    { provide: KafkaProbe, useFactory: connectKafkaProbe },
    { provide: OrderCodec, useFactory: connectCodec },
    { provide: SavedReports, useFactory: createSavedReports, inject: [Mongo] },
    { provide: ArchivedList, useFactory: loadArchived, inject: [Mongo] },
    { provide: OrderSaver, useFactory: createSaver, inject: [Mongo, OrderCodec, SavedReports, ArchivedList] },
    DeadLetterProjection,
    RebalanceCounter,
    { provide: ParallelConsumerServer, useFactory: createServer, inject: [RebalanceCounter, OrderSaver] },
    ConsumerEngine,
  ],
  exports: [Mongo, KafkaProbe, ConsumerEngine, RebalanceCounter, SavedReports, ArchivedList],
})
class SavingModule {}

@Module({
  imports: [logsModule(logger), MetricsModule, SavingModule, HealthModule.with(ConsumerReadiness, [SavingModule])],
  // In the outer module, which shuts down first: the heartbeat needs MongoDB to remove itself.
  providers: [Heartbeat],
})
export class ConsumerModule {}
