import type { EngineLogger } from '@orders-pipeline/parallel-consumer';
import type { Kafka } from 'kafkajs';
import type { z } from 'zod';
import {
  DEAD_LETTER_TOPIC,
  DEFAULT_PARTITIONS,
  ORDERS_TOPIC,
  topicSettings,
  type TopicSafety,
  type TopicSettings,
} from '#orders/topics/topics.js';
import type { kafkaSettings } from '../settings/kafka-settings.js';
import { documentedAt } from '../settings/setting-docs.js';
import { SettingsError } from '../settings/settings.js';
import { createTopics } from './create-topics.js';
import { describeDifference, isUnsafe, topicDifferences, type FoundTopic } from './topic-differences.js';

/** Thrown when the cluster belongs to another stack, or when a topic was created with other settings. */
export class WrongKafkaError extends Error {
  override readonly name = 'WrongKafkaError';
  constructor(
    readonly code: 'wrong-cluster' | 'wrong-partition-count' | 'unsafe-topic',
    message: string,
  ) {
    super(message);
  }
}

export interface TopicExpectations extends Omit<TopicSafety, 'partitions'> {
  /** Rejects a topic with another partition count; `undefined` accepts any existing topic. */
  readonly partitions: number | undefined;
  /** Reads the counts that the topic had before expansions: if `partitions` is one of them, any count is accepted. Called for another count. */
  readonly earlierPartitions?: () => Promise<readonly number[]>;
  /** Rejects any other cluster; `undefined` accepts any. */
  readonly clusterId: string | undefined;
}

type TopicSetting = 'TOPIC_PARTITIONS' | 'TOPIC_REPLICATION_FACTOR' | 'TOPIC_MIN_INSYNC_REPLICAS' | 'KAFKA_CLUSTER_ID';

/** Returns what a service's settings expect of Kafka. */
export function topicExpectations(
  settings: Pick<z.infer<z.ZodObject<typeof kafkaSettings>>, TopicSetting>,
): TopicExpectations {
  return {
    partitions: settings.TOPIC_PARTITIONS,
    replicationFactor: settings.TOPIC_REPLICATION_FACTOR,
    minInSyncReplicas: settings.TOPIC_MIN_INSYNC_REPLICAS,
    clusterId: settings.KAFKA_CLUSTER_ID,
  };
}

/**
 * Creates the missing topics with their settings, and verifies the existing ones. Safe to run in several processes at once.
 * @param logger gets a warning for each difference that loses no record
 * @returns the partition count of `orders.v1`
 * @throws WrongKafkaError when the cluster or a topic isn't the one expected, TooFewBrokersError
 */
export async function prepareTopics(
  kafka: Kafka,
  expected: TopicExpectations,
  logger: Pick<EngineLogger, 'warn'>,
): Promise<number> {
  requireEnoughCopies(expected);
  const admin = kafka.admin();
  await admin.connect();
  try {
    const { clusterId } = await admin.describeCluster();
    if (expected.clusterId !== undefined && clusterId !== expected.clusterId)
      throw new WrongKafkaError(
        'wrong-cluster',
        `This Kafka is cluster ${clusterId}, not ${expected.clusterId}: two stacks share an address. Give each its own KAFKA_PORT or KAFKA_BROKERS.`,
      );
    const topics = topicSettings({ ...expected, partitions: expected.partitions ?? DEFAULT_PARTITIONS });
    const found = await createTopics(admin, topics);
    for (const wanted of topics) verify(wanted, found.get(wanted.topic), logger);
    return await checkPartitions(found, expected, logger);
  } finally {
    await admin.disconnect();
  }
}

/** Rejects settings with which Kafka would acknowledge no record. @throws SettingsError */
export function requireEnoughCopies({
  replicationFactor,
  minInSyncReplicas,
}: Pick<TopicSafety, 'replicationFactor' | 'minInSyncReplicas'>): void {
  if (minInSyncReplicas <= replicationFactor) return;
  throw new SettingsError(
    `TOPIC_MIN_INSYNC_REPLICAS must not be above TOPIC_REPLICATION_FACTOR ${replicationFactor}, got ${minInSyncReplicas} (${documentedAt('TOPIC_MIN_INSYNC_REPLICAS')})`,
  );
}

function verify(wanted: TopicSettings, found: FoundTopic | undefined, logger: Pick<EngineLogger, 'warn'>): void {
  const differences = found === undefined ? [] : topicDifferences(wanted, found);
  const unsafe = differences.find(isUnsafe);
  if (unsafe !== undefined) throw new WrongKafkaError('unsafe-topic', describeDifference(unsafe));
  for (const difference of differences) logger.warn({}, describeDifference(difference));
}

async function checkPartitions(
  found: ReadonlyMap<string, FoundTopic>,
  { partitions: expected, earlierPartitions }: TopicExpectations,
  logger: Pick<EngineLogger, 'warn'>,
): Promise<number> {
  const partitions = found.get(ORDERS_TOPIC)?.partitions ?? 0;
  const isOther = expected !== undefined && partitions !== expected;
  const earlier = isOther ? await earlierPartitions?.() : undefined;
  if (isOther && earlier?.includes(expected))
    logger.warn(
      {},
      `Topic ${ORDERS_TOPIC} was expanded to ${partitions} partitions: set TOPIC_PARTITIONS=${partitions}.`,
    );
  else if (isOther)
    throw new WrongKafkaError(
      'wrong-partition-count',
      `Topic ${ORDERS_TOPIC} has ${partitions} partitions, not ${expected}. Another count would map accounts to other partitions and ` +
        `break their order: start with ${partitions}, or delete the data first (npm run reset).`,
    );
  const deadLetters = found.get(DEAD_LETTER_TOPIC)?.partitions ?? 0;
  if (deadLetters < partitions)
    throw new WrongKafkaError(
      'wrong-partition-count',
      `Topic ${DEAD_LETTER_TOPIC} has ${deadLetters} partitions, fewer than the ${partitions} of ${ORDERS_TOPIC}: a dead letter keeps its ` +
        `partition number. Increase it to ${partitions}.`,
    );
  return partitions;
}
