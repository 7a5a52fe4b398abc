import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Kafka } from 'kafkajs';
import { DEAD_LETTER_TOPIC, DEFAULT_PARTITIONS, ORDERS_TOPIC, topicSettings } from './topics.js';

const LEADERS_WITHIN_MS = 30_000;
/** As kafkajs calls what passes by itself. */
const NOT_YET = new Set<unknown>(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/** The Kafka met is not the one expected: another stack's, or a topic made with other settings. */
export class WrongKafkaError extends Error {
  override readonly name = 'WrongKafkaError';
  constructor(
    readonly code: 'wrong-cluster' | 'wrong-partition-count',
    message: string,
  ) {
    super(message);
  }
}

export interface TopicExpectations {
  /** Refuse a topic that has another count; when undefined, an existing topic is taken as it is. */
  readonly partitions: number | undefined;
  /** Refuse any other cluster; when undefined, any is taken. */
  readonly clusterId: string | undefined;
}

/**
 * Makes the topics that are missing, with their settings; safe for several processes at once.
 * @returns the partition count of `orders.v1`
 * @throws WrongKafkaError when the cluster or the topic isn't the one expected
 */
export async function prepareTopics(kafka: Kafka, expected: TopicExpectations): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const { brokers, clusterId } = await admin.describeCluster();
    if (expected.clusterId !== undefined && clusterId !== expected.clusterId)
      throw new WrongKafkaError(
        'wrong-cluster',
        `This Kafka is cluster ${clusterId}, not ${expected.clusterId}: two stacks share an address. Give each its own KAFKA_PORT or KAFKA_BROKERS.`,
      );
    await createMissing(admin, brokers.length, expected.partitions ?? DEFAULT_PARTITIONS);
    return checkPartitions(await partitionCounts(admin), expected.partitions);
  } finally {
    await admin.disconnect();
  }
}

async function createMissing(admin: Admin, brokers: number, partitions: number): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const missing = topicSettings(brokers, partitions).filter(({ topic }) => !existing.has(topic));
  // Resolves to false when another process was faster: its topic is as good.
  if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: false });
}

/** Partitions by topic. */
type PartitionCounts = ReadonlyMap<string, number>;

/**
 * Once all have leaders. From the very answer that tells so: the next one may be of a broker that hasn't heard of a new topic yet. kafkajs's own wait
 * fails when the first broker that it asks hasn't.
 */
async function partitionCounts(admin: Admin): Promise<PartitionCounts> {
  const topics = [ORDERS_TOPIC, DEAD_LETTER_TOPIC];
  const deadline = Date.now() + LEADERS_WITHIN_MS;
  for (;;) {
    const counts = await countsOfLed(admin, topics);
    if (counts !== undefined) return counts;
    if (Date.now() > deadline) throw new Error(`${topics.join(', ')} have no leaders after ${LEADERS_WITHIN_MS} ms`);
    await delay(100);
  }
}

/** @returns `undefined` while a topic is unknown to the broker that answers, or a partition has no leader */
async function countsOfLed(admin: Admin, names: string[]): Promise<PartitionCounts | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: names });
    const haveLeaders = topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0));
    return haveLeaders ? new Map(topics.map(({ name, partitions }) => [name, partitions.length])) : undefined;
  } catch (error) {
    if (error instanceof Error && 'type' in error && NOT_YET.has(error.type)) return undefined;
    throw error;
  }
}

function checkPartitions(counts: PartitionCounts, expected: number | undefined): number {
  const partitions = counts.get(ORDERS_TOPIC) ?? 0;
  if (expected !== undefined && partitions !== expected)
    throw new WrongKafkaError(
      'wrong-partition-count',
      `Topic ${ORDERS_TOPIC} has ${partitions} partitions, not ${expected}. Another count would send accounts to other partitions and ` +
        `break their order: start with ${partitions}, or empty the data first (npm run reset).`,
    );
  const deadLetters = counts.get(DEAD_LETTER_TOPIC) ?? 0;
  if (deadLetters < partitions)
    throw new WrongKafkaError(
      'wrong-partition-count',
      `Topic ${DEAD_LETTER_TOPIC} has ${deadLetters} partitions, fewer than the ${partitions} of ${ORDERS_TOPIC}: a dead letter keeps its ` +
        'partition number. Give it as many.',
    );
  return partitions;
}
