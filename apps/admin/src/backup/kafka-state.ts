import type { RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Admin } from 'kafkajs';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { findTopics } from '#service/kafka/prepare-topics.js';
import { BackupError } from './backup-error.js';
import type { KafkaState } from './manifest.js';

/** The consumer groups whose offsets belong to a backup, and the topics that they read. */
export const GROUPS = [
  { id: ORDERS_CONSUMER_GROUP, topic: ORDERS_TOPIC },
  { id: DEAD_LETTER_GROUP, topic: DEAD_LETTER_TOPIC },
] as const;
const TOPICS = [ORDERS_TOPIC, DEAD_LETTER_TOPIC];

/**
 * Reads the committed offsets first, then what the topics have. What a group has committed is stored in MongoDB already, and what is below
 * the end of a topic has its number from the counter already.
 * @throws BackupError `missing-topic`
 */
export async function readKafkaState(admin: Admin, reader: Pick<RecordReader, 'topicId'>): Promise<KafkaState> {
  const existing = new Set(await admin.listTopics());
  const missing = TOPICS.find((topic) => !existing.has(topic));
  if (missing !== undefined)
    throw new BackupError(
      'missing-topic',
      `Kafka has no topic ${missing}: correct KAFKA_BROKERS, or create it with topics apply.`,
    );
  const groups = await Promise.all(
    GROUPS.map(async ({ id, topic }) => ({ id, topic, offsets: await committedOffsets(admin, id, topic) })),
  );
  const { clusterId } = await admin.describeCluster();
  const found = await findTopics(admin, TOPICS);
  const topics = await Promise.all(
    TOPICS.map(async (name) => {
      const retention = found.get(name)?.settings?.get('retention.ms');
      return {
        name,
        id: await reader.topicId(name),
        retentionMs: retention === undefined ? null : Number(retention),
        partitions: await logEdges(admin, name),
      };
    }),
  );
  return { clusterId, topics, groups };
}

async function committedOffsets(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<KafkaState['groups'][number]['offsets']> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return (found?.partitions ?? [])
    .map(({ partition, offset }) => ({ partition, offset: Number(offset) < 0 ? null : Number(offset) }))
    .toSorted((a, b) => a.partition - b.partition);
}

/** Returns the first offset of each partition of a topic, and the one behind its last record. */
export async function logEdges(admin: Admin, topic: string): Promise<KafkaState['topics'][number]['partitions']> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets
    .map(({ partition, low, high }) => ({ partition, begin: Number(low), end: Number(high) }))
    .toSorted((a, b) => a.partition - b.partition);
}
