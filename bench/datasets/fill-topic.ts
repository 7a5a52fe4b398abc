import { OrderCodec } from '#orders/order/order-codec.js';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import { connectKafka, reliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Kafka } from 'kafkajs';
import { createTopics } from '#service/kafka/prepare-topics.js';
import type { TemporaryStack } from '../../dev/supervisor/temporary-stack.js';
import { OrdersTopic } from '../../apps/producer/src/emission/orders-topic.js';
import { SendGate } from '../../apps/producer/src/expansion/send-gate.js';
import { contenderLogger as logger } from '../contenders/contender-logger.js';
import { DEAD_LETTERS, PARTITIONS, type Dataset } from './dataset.js';

/** Larger sends are slower: kafkajs groups records by partition in quadratic time. */
const RECORDS_PER_SEND = 2_000;

/** Creates a dataset's topic and writes all its records, acknowledged by all replicas. */
export async function fillTopic(
  addresses: TemporaryStack['addresses'],
  dataset: Dataset,
  signal: AbortSignal,
): Promise<void> {
  const kafka = connectKafka({ brokers: addresses.KAFKA_BROKERS.split(','), clientId: 'bench', logger });
  await provideTopics(kafka, [dataset.topic, DEAD_LETTERS]);
  const producer = reliableProducer(kafka, logger);
  try {
    const codec = await OrderCodec.connect({ url: addresses.SCHEMA_REGISTRY_URL });
    const recordAt = dataset.maker(new OrdersTopic(() => producer, codec, new SendGate(PARTITIONS)));
    for (let chunk = chunkOf(dataset, recordAt, 0), made = chunk.length; chunk.length > 0; made += chunk.length) {
      signal.throwIfAborted();
      const sending = producer.send(dataset.topic, chunk);
      // Builds the next chunk while this one is being sent.
      chunk = chunkOf(dataset, recordAt, made);
      await sending;
    }
  } finally {
    await producer.close();
  }
}

function chunkOf({ records }: Dataset, recordAt: (index: number) => OutgoingRecord, from: number): OutgoingRecord[] {
  const length = Math.min(RECORDS_PER_SEND, records - from);
  return Array.from({ length }, (_, at) => recordAt(from + at));
}

/** Creates the topics; those that exist stay as they are. */
async function provideTopics(kafka: Kafka, names: readonly string[]): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const topics = names.map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: 1 }));
    await createTopics(admin, topics);
  } finally {
    await admin.disconnect();
  }
}
