import { Module, type Provider } from '@nestjs/common';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { earlierPartitionCounts } from '#orders/topics/topic-partitions.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { Startup } from '#service/availability/startup.js';
import { dataClient, KafkaPositions, KafkaProbe } from '#service/kafka/kafka-clients.js';
import { kafkaAccess, registryAccess } from '#service/kafka/kafka-access.js';
import { prepareTopics, topicExpectations } from '#service/kafka/prepare-topics.js';
import { connectPrepared } from '#service/mongodb/connect-prepared.js';
import { LONGER_THAN_AN_ELECTION_MS, Mongo } from '#service/mongodb/mongo.js';
import { createLogger } from '#service/process/logs.js';
import { Interruptions } from './background/interruptions.js';
import { WakeUp } from './background/leased-job.js';
import { Leases } from './background/operation-leases.js';
import { SendGate } from './publishing/send-gate.js';
import { settings } from './settings.js';

export const logger = createLogger('producer', settings.LOG_LEVEL);
const kafkaOptions = { ...kafkaAccess(settings), clientId: 'orders-producer', logger };
export const kafka = connectKafka(kafkaOptions);
/** Over which orders are sent and dead letters are read. */
export const client = await dataClient(settings, kafkaOptions);

/** Waits for MongoDB with its indexes, Kafka with its topics, and the registry. */
export const startup = new Startup(logger);
/** Not connected yet. */
const database = Promise.withResolvers<Mongo>();

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

/** Resolves once the topics exist and belong to the expected cluster. @returns a closed gate */
async function connectTopics(probe: KafkaProbe): Promise<SendGate> {
  const expected = { ...topicExpectations(settings), earlierPartitions };
  const partitions = await startup.until('kafka', async () => {
    await probe.check();
    return prepareTopics(kafka, expected, logger);
  });
  return new SendGate(partitions, 'closed');
}

/** Reads the partitions of the orders topic by a connection of its own, which has cached nothing. */
export async function countPartitions(): Promise<number> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [ORDERS_TOPIC] });
    return topics[0]?.partitions.length ?? 0;
  } finally {
    await admin.disconnect();
  }
}

const PARTS: Provider[] = [
  { provide: Mongo, useFactory: connectMongo },
  { provide: ArchivedList, useFactory: ({ db }: Mongo) => ArchivedList.of(db), inject: [Mongo] },
  {
    provide: ArchivedIds,
    useFactory: ({ db }: Mongo, list: ArchivedList) => ArchivedIds.of(db, list),
    inject: [Mongo, ArchivedList],
  },
  { provide: KafkaProbe, useValue: new KafkaProbe(kafkaOptions) },
  { provide: KafkaPositions, useValue: new KafkaPositions(kafka) },
  { provide: SendGate, useFactory: connectTopics, inject: [KafkaProbe] },
  {
    provide: OrderCodec,
    useFactory: async () => startup.until('registry', async () => OrderCodec.connect(registryAccess(settings))),
    // After the topics, because preparing them verifies the cluster id.
    inject: [SendGate],
  },
  Interruptions,
  Leases,
  WakeUp,
];

/** The connections to MongoDB, Kafka and the schema registry, and what all background jobs share. */
@Module({ providers: PARTS, exports: PARTS })
export class ConnectionsModule {}
