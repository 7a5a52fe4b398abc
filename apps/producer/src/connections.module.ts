import { Module } from '@nestjs/common';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ensureOrderIndexes } from '#orders/order/orders-collection.js';
import { prepareTopics, topicExpectations } from '#service/kafka/prepare-topics.js';
import { kafkaAccess } from '#service/kafka/kafka-access.js';
import { registryAccess } from '#service/kafka/registry-access.js';
import { KafkaPositions } from '#service/kafka/kafka-positions.js';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { KafkaProbe } from '#service/kafka/kafka-probe.js';
import { createLogger } from '#service/process/logs.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { settings } from './settings.js';

export const logger = createLogger('producer', settings.LOG_LEVEL);
const kafkaOptions = { ...kafkaAccess(settings), clientId: 'orders-producer', logger };
export const kafka = connectKafka(kafkaOptions);

/** The topics, once they exist and belong to the expected cluster. */
export class PreparedTopics {
  /** @param partitions number of partitions of the orders topic */
  constructor(readonly partitions: number) {}
}

async function connectMongo(): Promise<Mongo> {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-producer');
  await ensureOrderIndexes(mongo.db);
  return mongo;
}

async function connectTopics(probe: KafkaProbe): Promise<PreparedTopics> {
  await probe.requireAccess();
  return new PreparedTopics(await prepareTopics(kafka, topicExpectations(settings), logger));
}

/** The connections to MongoDB, Kafka and the schema registry. */
@Module({
  providers: [
    { provide: Mongo, useFactory: connectMongo },
    { provide: KafkaProbe, useValue: new KafkaProbe(kafkaOptions) },
    { provide: KafkaPositions, useValue: new KafkaPositions(kafka) },
    { provide: PreparedTopics, useFactory: connectTopics, inject: [KafkaProbe] },
    {
      provide: OrderCodec,
      useFactory: async () => OrderCodec.connect(registryAccess(settings)),
      // After the topics, because preparing them verifies the cluster id.
      inject: [PreparedTopics],
    },
  ],
  exports: [Mongo, KafkaProbe, KafkaPositions, PreparedTopics, OrderCodec],
})
export class ConnectionsModule {}
