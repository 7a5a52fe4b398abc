import type { Kafka } from 'kafkajs';
import { DEAD_LETTER_TOPIC, DEFAULT_PARTITIONS, ORDERS_TOPIC, topicSettings } from '#orders/topics/topics.js';
import { createTopics, type PartitionCounts } from './create-topics.js';

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
    const topics = topicSettings(brokers.length, expected.partitions ?? DEFAULT_PARTITIONS);
    const counts = await createTopics(admin, topics);
    return checkPartitions(counts, expected.partitions);
  } finally {
    await admin.disconnect();
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
