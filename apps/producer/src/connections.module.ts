import { Module } from '@nestjs/common';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { earlierPartitionCounts } from '#orders/topics/topic-partitions.js';
import { prepareTopics, topicExpectations } from '#service/kafka/prepare-topics.js';
import { dataClient, KafkaPositions, KafkaProbe } from '#service/kafka/kafka-clients.js';
import { kafkaAccess, registryAccess } from '#service/kafka/kafka-access.js';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { createLogger } from '#service/process/logs.js';
import { connectPrepared } from '#service/mongodb/connect-prepared.js';
import { LONGER_THAN_AN_ELECTION_MS, Mongo } from '#service/mongodb/mongo.js';
import { Startup } from '#service/availability/startup.js';
import { SendGate } from './expansion/send-gate.js';
import { settings } from './settings.js';

export const logger = createLogger('producer', settings.LOG_LEVEL);
const kafkaOptions = { ...kafkaAccess(settings), clientId: 'orders-producer', logger };
export const kafka = connectKafka(kafkaOptions);
/** Over which orders are sent and letters are read. */
export const client = await dataClient(settings, kafkaOptions);

/** Waits for MongoDB with its indexes, Kafka with its topics, and the registry. */
export const startup = new Startup(logger);
/** Not connected yet. */
const database = Promise.withResolvers<Mongo>();

/** The topics, once they exist and belong to the expected cluster. */
export class PreparedTopics {
  /** @param partitions number of partitions of the orders topic */
  constructor(readonly partitions: number) {}
}

async function connectMongo(): Promise<Mongo> {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-producer', LONGER_THAN_AN_ELECTION_MS);
  database.resolve(mongo);
  return connectPrepared(mongo, startup, [
    'orders',
    'operations',
    'idempotencyKeys',
    'intakeBatches',
    'importRows',
    'importManifest',
    'importFiles.files',
    'importFiles.chunks',
    'deadLetters',
    'settledBlocks',
  ]);
}

const earlierPartitions = async (): Promise<number[]> => earlierPartitionCounts((await database.promise).db);

async function connectTopics(probe: KafkaProbe): Promise<PreparedTopics> {
  const expected = { ...topicExpectations(settings), earlierPartitions };
  const partitions = await startup.until('kafka', async () => {
    await probe.check();
    return prepareTopics(kafka, expected, logger);
  });
  return new PreparedTopics(partitions);
}

/** The connections to MongoDB, Kafka and the schema registry. */
@Module({
  providers: [
    { provide: Mongo, useFactory: connectMongo },
    { provide: ArchivedList, useFactory: ({ db }: Mongo) => ArchivedList.of(db), inject: [Mongo] },
    {
      provide: ArchivedIds,
      useFactory: ({ db }: Mongo, list: ArchivedList) => ArchivedIds.of(db, list),
      inject: [Mongo, ArchivedList],
    },
    { provide: KafkaProbe, useValue: new KafkaProbe(kafkaOptions) },
    { provide: KafkaPositions, useValue: new KafkaPositions(kafka) },
    { provide: PreparedTopics, useFactory: connectTopics, inject: [KafkaProbe] },
    {
      provide: SendGate,
      useFactory: ({ partitions }: PreparedTopics) => new SendGate(partitions, 'closed'),
      inject: [PreparedTopics],
    },
    {
      provide: OrderCodec,
      useFactory: async () => startup.until('registry', async () => OrderCodec.connect(registryAccess(settings))),
      // After the topics, because preparing them verifies the cluster id.
      inject: [PreparedTopics],
    },
  ],
  exports: [Mongo, ArchivedList, ArchivedIds, KafkaProbe, KafkaPositions, PreparedTopics, SendGate, OrderCodec],
})
export class ConnectionsModule {}
