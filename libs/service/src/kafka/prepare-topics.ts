import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Kafka } from 'kafkajs';
import { DEAD_LETTER_TOPIC, DEFAULT_PARTITIONS, ORDERS_TOPIC, topicSettings } from '#orders/topics/topics.js';

const LEADERS_WITHIN_MS = 30_000;
/** kafkajs's names of the errors that pass without intervention. */
const TRANSIENT_ERRORS = new Set<unknown>(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/** Thrown when the cluster belongs to another stack, or when a topic was created with other settings. */
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
  /** Rejects a topic with another partition count; `undefined` accepts any existing topic. */
  readonly partitions: number | undefined;
  /** Rejects any other cluster; `undefined` accepts any. */
  readonly clusterId: string | undefined;
}

/**
 * Creates the missing topics with their settings. Safe to run in several processes at once.
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
  // Resolves to false if another process has created the topic meanwhile, which is fine.
  if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: false });
}

/** Partition counts by topic. */
type PartitionCounts = ReadonlyMap<string, number>;

/**
 * Waits until all partitions have leaders and returns the counts from that same response: another broker may not know a new
 * topic yet. The wait of kafkajs fails if the first broker that it asks does not know the topic.
 */
async function partitionCounts(admin: Admin): Promise<PartitionCounts> {
  const topics = [ORDERS_TOPIC, DEAD_LETTER_TOPIC];
  const deadline = Date.now() + LEADERS_WITHIN_MS;
  for (;;) {
    const counts = await countIfLed(admin, topics);
    if (counts !== undefined) return counts;
    if (Date.now() > deadline) throw new Error(`${topics.join(', ')} have no leaders after ${LEADERS_WITHIN_MS} ms`);
    await delay(100);
  }
}

/** @returns `undefined` while the responding broker does not know a topic, or a partition has no leader */
async function countIfLed(admin: Admin, names: string[]): Promise<PartitionCounts | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: names });
    const haveLeaders = topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0));
    return haveLeaders ? new Map(topics.map(({ name, partitions }) => [name, partitions.length])) : undefined;
  } catch (error) {
    if (error instanceof Error && 'type' in error && TRANSIENT_ERRORS.has(error.type)) return undefined;
    throw error;
  }
}

function checkPartitions(counts: PartitionCounts, expected: number | undefined): number {
  const partitions = counts.get(ORDERS_TOPIC) ?? 0;
  if (expected !== undefined && partitions !== expected)
    throw new WrongKafkaError(
      'wrong-partition-count',
      `Topic ${ORDERS_TOPIC} has ${partitions} partitions, not ${expected}. Another count would map accounts to other partitions and ` +
        `break their order: start with ${partitions}, or delete the data first (npm run reset).`,
    );
  const deadLetters = counts.get(DEAD_LETTER_TOPIC) ?? 0;
  if (deadLetters < partitions)
    throw new WrongKafkaError(
      'wrong-partition-count',
      `Topic ${DEAD_LETTER_TOPIC} has ${deadLetters} partitions, fewer than the ${partitions} of ${ORDERS_TOPIC}: a dead letter keeps its ` +
        `partition number. Increase it to ${partitions}.`,
    );
  return partitions;
}
