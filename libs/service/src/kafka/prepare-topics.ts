import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Kafka, type Admin, type ITopicConfig } from 'kafkajs';
import type { z } from 'zod';
import type { EngineLogger } from '@orders-pipeline/parallel-consumer';
import {
  DEAD_LETTER_TOPIC,
  DEFAULT_PARTITIONS,
  ORDERS_TOPIC,
  topicSettings,
  type TopicSafety,
  type TopicSettings,
} from '#orders/topics/topics.js';
import { timeLimit } from '#orders/time-limit.js';
import type { kafkaSettings } from '../settings/kafka-settings.js';
import { documentedAt, SettingsError } from '../settings/settings.js';

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

interface TopicExpectations extends Omit<TopicSafety, 'partitions'> {
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

/** Thrown when the topics can't have as many copies as they should because Kafka has too few brokers. */
class TooFewBrokersError extends Error {
  override readonly name = 'TooFewBrokersError';
  readonly code = 'too-few-brokers';
}

/**
 * Creates the topics that are missing, and waits up to 30 s until all partitions have leaders. Safe to run in several processes
 * at once. kafkajs's own wait (`waitForLeaders`) fails if the first broker that it asks does not know a new topic yet.
 * @returns all of the topics, as they are now. @throws TooFewBrokersError
 */
export async function createTopics(
  admin: Admin,
  topics: readonly ITopicConfig[],
): Promise<ReadonlyMap<string, FoundTopic>> {
  const existing = new Set(await admin.listTopics());
  const missing = topics.filter(({ topic }) => !existing.has(topic));
  try {
    // Resolves to false if another process has created the topics meanwhile, which is fine.
    if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: false });
  } catch (cause) {
    if (isOfType(cause, 'INVALID_REPLICATION_FACTOR'))
      throw tooFewBrokers(missing[0]?.replicationFactor ?? 1, 'be created', { cause });
    // After 5 s without a result, kafkajs's default, the broker goes on creating them.
    if (!isOfType(cause, 'REQUEST_TIMED_OUT')) throw cause;
  }
  return findTopics(
    admin,
    topics.map(({ topic }) => topic),
  );
}

/** Returns the error for topics that would need more brokers. @param purpose such as `be created` */
export function tooFewBrokers(replicationFactor: number, purpose: string, options?: ErrorOptions): TooFewBrokersError {
  return new TooFewBrokersError(
    `Kafka has fewer brokers than TOPIC_REPLICATION_FACTOR ${replicationFactor}, so that the topics can't ${purpose}: start all ` +
      'brokers, or set TOPIC_REPLICATION_FACTOR and TOPIC_MIN_INSYNC_REPLICAS to 1 for a Kafka of one broker.',
    options,
  );
}

/** Whether a broker's error, or one of several, has a type. */
function isOfType(error: unknown, type: string): boolean {
  if (!(error instanceof Error)) return false;
  const { type: own, errors } = error as { type?: unknown; errors?: unknown };
  return own === type || (Array.isArray(errors) && errors.some((each) => isOfType(each, type)));
}

const { ConfigResourceTypes } = kafkajs;
const KNOWN_WITHIN_MS = timeLimit(30_000);
/** kafkajs's names of the errors that pass without intervention. */
const TRANSIENT_ERRORS = new Set<unknown>(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/**
 * Reads topics that exist, as soon as all their partitions have leaders: after a creation, some brokers do not know a topic yet.
 * @throws Error after 30 s
 */
export async function findTopics(admin: Admin, names: readonly string[]): Promise<ReadonlyMap<string, FoundTopic>> {
  const shapes = await onceKnown(names, async () => shapesIfLed(admin, names));
  const settings = await readSettings(admin, names);
  return new Map(
    shapes.map(({ name, partitions, copies }) => [name, { partitions, copies, settings: settings?.get(name) }]),
  );
}

/** @returns `undefined` while a partition has no leader */
async function shapesIfLed(admin: Admin, names: readonly string[]) {
  const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
  if (topics.some(({ partitions }) => partitions.some(({ leader }) => leader < 0))) return undefined;
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.length,
    copies: Math.min(...partitions.map(({ replicas }) => replicas.length)),
  }));
}

/** @returns `undefined` if this client may not read them */
async function readSettings(
  admin: Admin,
  names: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>> | undefined> {
  try {
    const { resources } = await onceKnown(names, async () =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: names.map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
      }),
    );
    return new Map(
      resources.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    );
  } catch (error) {
    if (error instanceof Error && 'type' in error && error.type === 'TOPIC_AUTHORIZATION_FAILED') return undefined;
    throw error;
  }
}

/** Repeats a request while it finds nothing, or while the responding broker does not know a topic yet. */
async function onceKnown<T>(topics: readonly string[], request: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + KNOWN_WITHIN_MS;
  for (;;) {
    const found = await request().catch((error: unknown) => {
      if (error instanceof Error && 'type' in error && TRANSIENT_ERRORS.has(error.type)) return undefined;
      throw error;
    });
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${topics.join(', ')} have no leaders after ${KNOWN_WITHIN_MS} ms`);
    await delay(100);
  }
}

/** An existing topic. */
export interface FoundTopic {
  readonly partitions: number;
  /** The copies of the partition that has the fewest. */
  readonly copies: number;
  /** Kafka's topic settings, of the topic or by the broker's default; `undefined` if this client may not read them. */
  readonly settings: ReadonlyMap<string, string> | undefined;
}

/** How an existing topic differs from what it must be. */
export type TopicDifference =
  | { readonly kind: 'copies'; readonly topic: string; readonly found: number; readonly wanted: number }
  | {
      readonly kind: 'setting';
      readonly topic: string;
      readonly name: string;
      readonly found: string;
      readonly wanted: string;
    }
  | { readonly kind: 'unreadable'; readonly topic: string };

/** Whether a value is good enough, by setting. More than wanted is fine. */
const IS_MET: Readonly<Record<string, (found: string, wanted: string) => boolean>> = {
  'min.insync.replicas': (found, wanted) => Number(found) >= Number(wanted),
  'retention.ms': (found, wanted) => retention(found) >= retention(wanted),
  'max.message.bytes': (found, wanted) => Number(found) >= Number(wanted),
};

/** Compares an existing topic with the settings of a new one. */
export function topicDifferences(wanted: TopicSettings, found: FoundTopic): TopicDifference[] {
  const { topic, replicationFactor, configEntries } = wanted;
  const differences: TopicDifference[] = [];
  if (found.copies < replicationFactor)
    differences.push({ kind: 'copies', topic, found: found.copies, wanted: replicationFactor });
  const { settings } = found;
  if (settings === undefined) return [...differences, { kind: 'unreadable', topic }];
  for (const { name, value } of configEntries) {
    const current = settings.get(name) ?? '';
    const isMet = IS_MET[name] ?? ((one: string, other: string) => one === other);
    if (!isMet(current, value)) differences.push({ kind: 'setting', topic, name, found: current, wanted: value });
  }
  return differences;
}

/** Whether acknowledged records could be lost, so that a service must not use the topic. */
function isUnsafe(difference: TopicDifference): boolean {
  return difference.kind === 'copies' || (difference.kind === 'setting' && difference.name === 'min.insync.replicas');
}

/** Says what is wrong, and what to do. */
export function describeDifference(difference: TopicDifference): string {
  const { topic } = difference;
  switch (difference.kind) {
    case 'copies': {
      const { found, wanted } = difference;
      return `Topic ${topic} has replication factor ${found}, not ${wanted}: ${FIX}, or set TOPIC_REPLICATION_FACTOR=${found} to accept it.`;
    }
    case 'setting': {
      const { name, found, wanted } = difference;
      const accept =
        name === 'min.insync.replicas'
          ? `, or set TOPIC_MIN_INSYNC_REPLICAS=${found} to accept that fewer copies acknowledge`
          : '';
      return `Topic ${topic} has ${name} ${found}, not ${wanted}: ${FIX}${accept}.`;
    }
    case 'unreadable':
      return `The settings of topic ${topic} can't be read: allow DescribeConfigs.`;
  }
}

const FIX = 'change it with npm run admin -- topics apply';

/** Returns a retention in milliseconds; -1 in Kafka stands for ever. */
function retention(text: string): number {
  const milliseconds = Number(text);
  return milliseconds < 0 ? Number.POSITIVE_INFINITY : milliseconds;
}
