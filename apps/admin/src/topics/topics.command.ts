import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import kafkajs, { type Admin } from 'kafkajs';
import {
  DEFAULT_PARTITIONS,
  topicSettings,
  DEAD_LETTER_TOPIC,
  ORDERS_TOPIC,
  type TopicSettings,
} from '#orders/topics/topics.js';
import {
  findTopics,
  requireEnoughCopies,
  describeDifference,
  topicDifferences,
  type FoundTopic,
  type TopicDifference,
  createTopics,
  tooFewBrokers,
} from '#service/kafka/prepare-topics.js';
import { type Run, EXIT_CODE, type ExitCode } from '../environment.js';
import { withKafkaAdmin } from '../connections.js';
import { readSettings, type AdminSettings } from '../settings.js';
import { addExpandCommand } from './expand-topics.js';
import { addLostCommand } from './lost-log.js';
import { timeLimit } from '#orders/time-limit.js';

const { ConfigResourceTypes, ConfigSource } = kafkajs;
const POLL_INTERVAL_MS = 500;
const KNOWN_WITHIN_MS = timeLimit(10_000);

/** Adds the commands of the topics. */
export function addTopicsCommands(program: Command, run: Run): void {
  const topics = program
    .command('topics')
    .description('the topics, by TOPIC_PARTITIONS, TOPIC_REPLICATION_FACTOR and TOPIC_MIN_INSYNC_REPLICAS');
  topics
    .command('plan')
    .description('print what apply would do')
    .action(
      run(async ({ env, print }) => {
        const settings = readSettings(env);
        return withKafkaAdmin(settings, async (admin) => printPlan(await planOf(settings, admin), print));
      }),
    );
  topics
    .command('apply')
    .description('create missing topics, add copies and change settings; adds no partitions')
    .action(
      run(async ({ env, print }) => {
        const settings = readSettings(env);
        return withKafkaAdmin(settings, async (admin) => {
          await applyTopics(admin, await planOf(settings, admin), print);
          return printPlan(await appliedPlan(settings, admin), print);
        });
      }),
    );
  addExpandCommand(topics, run);
  addLostCommand(topics, run);
}

async function planOf(settings: AdminSettings, admin: Admin): Promise<TopicPlan> {
  const safety = {
    partitions: settings.TOPIC_PARTITIONS ?? DEFAULT_PARTITIONS,
    replicationFactor: settings.TOPIC_REPLICATION_FACTOR,
    minInSyncReplicas: settings.TOPIC_MIN_INSYNC_REPLICAS,
  };
  requireEnoughCopies(safety);
  const wanted = topicSettings(safety);
  const listed = new Set(await admin.listTopics());
  const existing = wanted.map(({ topic }) => topic).filter((topic) => listed.has(topic));
  const found = existing.length === 0 ? new Map() : await findTopics(admin, existing);
  return planTopics(wanted, found, settings.TOPIC_PARTITIONS);
}

/** Returns what is left of a plan that was carried out. A broker learns of a change shortly after it was made. */
async function appliedPlan(settings: AdminSettings, admin: Admin): Promise<TopicPlan> {
  const deadline = Date.now() + KNOWN_WITHIN_MS;
  for (;;) {
    const plan = await planOf(settings, admin);
    const isApplied = plan.missing.length === 0 && plan.differences.every(({ kind }) => kind === 'unreadable');
    if (isApplied || Date.now() > deadline) return plan;
    await delay(100);
  }
}

function printPlan({ missing, differences, left }: TopicPlan, print: (line: string) => void): ExitCode {
  for (const { topic, numPartitions, replicationFactor } of missing)
    print(
      `Topic ${topic} is missing: apply creates it with ${numPartitions} partitions and replication factor ${replicationFactor}.`,
    );
  for (const line of [...differences.map(describeDifference), ...left]) print(line);
  if (missing.length + differences.length + left.length > 0) return EXIT_CODE.differs;
  print('The topics are as the settings want them.');
  return EXIT_CODE.ok;
}

/** What `apply` would do, in this order. */
interface TopicPlan {
  /** Topics to create. */
  readonly missing: readonly TopicSettings[];
  /** Differences of existing topics. */
  readonly differences: readonly TopicDifference[];
  /** Differences that `apply` leaves: partitions are never added, because accounts would move to others and lose their order. */
  readonly left: readonly string[];
}

/** Compares what exists with what the settings want. @param partitions wanted of the orders topic; `undefined`: as they are */
export function planTopics(
  wanted: readonly TopicSettings[],
  found: ReadonlyMap<string, FoundTopic>,
  partitions: number | undefined,
): TopicPlan {
  const existing = wanted.flatMap((settings) => {
    const topic = found.get(settings.topic);
    return topic === undefined ? [] : [{ settings, topic }];
  });
  // A dead letter keeps its partition number.
  const least = found.get(ORDERS_TOPIC)?.partitions ?? 0;
  return {
    missing: wanted
      .filter(({ topic }) => !found.has(topic))
      .map(({ topic, numPartitions, replicationFactor, configEntries }) => ({
        topic,
        numPartitions: Math.max(numPartitions, least),
        replicationFactor,
        configEntries,
      })),
    differences: existing.flatMap(({ settings, topic }) => topicDifferences(settings, topic)),
    left: wrongPartitions(found, partitions),
  };
}

function wrongPartitions(found: ReadonlyMap<string, FoundTopic>, wanted: number | undefined): string[] {
  const orders = found.get(ORDERS_TOPIC)?.partitions;
  const deadLetters = found.get(DEAD_LETTER_TOPIC)?.partitions;
  const lines: string[] = [];
  if (orders !== undefined && wanted !== undefined && orders !== wanted)
    lines.push(
      `Topic ${ORDERS_TOPIC} has ${orders} partitions, not ${wanted}: apply adds none, since accounts would lose their order. Set TOPIC_PARTITIONS=${orders}.`,
    );
  if (orders !== undefined && deadLetters !== undefined && deadLetters < orders)
    lines.push(
      `Topic ${DEAD_LETTER_TOPIC} has ${deadLetters} partitions, fewer than the ${orders} of ${ORDERS_TOPIC}: a dead letter keeps its partition number. Increase it to ${orders}.`,
    );
  return lines;
}

type WantedCopies = Extract<TopicDifference, { kind: 'copies' }>;
type WantedSetting = Extract<TopicDifference, { kind: 'setting' }>;

/**
 * Carries a plan out: creates topics, adds copies, and changes settings. Safe to run again after an interruption: Kafka goes on copying,
 * and the next run waits for it.
 * @param print gets a line for each step that is done
 */
async function applyTopics(admin: Admin, plan: TopicPlan, print: (line: string) => void): Promise<void> {
  if (plan.missing.length > 0) {
    await createTopics(admin, plan.missing);
    for (const { topic } of plan.missing) print(`created topic ${topic}`);
  }
  const copies = plan.differences.filter((each): each is WantedCopies => each.kind === 'copies');
  for (const each of copies) await addCopies(admin, each);
  // Before the settings: with a larger min.insync.replicas, Kafka acknowledges nothing until there are as many copies.
  await awaitCopies(admin, print);
  for (const { topic, found, wanted } of copies)
    print(`changed replication factor of topic ${topic} from ${found} to ${wanted}`);
  const settings = plan.differences.filter((each): each is WantedSetting => each.kind === 'setting');
  for (const [topic, wanted] of Map.groupBy(settings, (each) => each.topic)) {
    await changeSettings(admin, topic, wanted);
    for (const { name, found, wanted: value } of wanted)
      print(`changed ${name} of topic ${topic} from ${found} to ${value}`);
  }
}

/** Kafka's request replaces all settings of a topic, so that the others are sent again. */
async function changeSettings(admin: Admin, topic: string, wanted: readonly WantedSetting[]): Promise<void> {
  const type = ConfigResourceTypes.TOPIC;
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type, name: topic }] });
  const own = (resources[0]?.configEntries ?? []).filter(
    ({ configSource }) => configSource === ConfigSource.TOPIC_CONFIG,
  );
  const values = new Map(own.map(({ configName, configValue }) => [configName, configValue]));
  for (const { name, wanted: value } of wanted) values.set(name, value);
  const configEntries = [...values].map(([name, value]) => ({ name, value }));
  await admin.alterConfigs({ validateOnly: false, resources: [{ type, name: topic, configEntries }] });
}

/** Gives each partition more replicas, on brokers in turn. Kafka copies in the background. @throws TooFewBrokersError */
async function addCopies(admin: Admin, { topic, wanted }: WantedCopies): Promise<void> {
  const { brokers } = await admin.describeCluster();
  if (brokers.length < wanted) throw tooFewBrokers(wanted, 'get more copies');
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const ids = brokers.map(({ nodeId }) => nodeId);
  const partitionAssignment = (topics[0]?.partitions ?? [])
    .filter(({ replicas }) => replicas.length < wanted)
    .map(({ partitionId: partition, replicas }) => ({
      partition,
      replicas: withMore(replicas, ids, wanted, partition),
    }));
  await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
}

/** Waits until the new replicas of all partitions have all records. @param print gets a line when the number of partitions that are copied changes */
async function awaitCopies(admin: Admin, print: (line: string) => void): Promise<void> {
  let printed = 0;
  for (;;) {
    const copying = await partitionsInCopy(admin);
    if (copying === 0) return;
    if (copying !== printed) print(`Kafka copies ${copying} partitions to more brokers`);
    printed = copying;
    await delay(POLL_INTERVAL_MS);
  }
}

async function partitionsInCopy(admin: Admin): Promise<number> {
  const { topics: ours } = await admin.fetchTopicMetadata({ topics: [ORDERS_TOPIC, DEAD_LETTER_TOPIC] });
  const request = ours.map(({ name, partitions }) => ({
    topic: name,
    partitions: partitions.map(({ partitionId }) => partitionId),
  }));
  const { topics } = await admin.listPartitionReassignments({ topics: request });
  return topics.flatMap(({ partitions }) => partitions).length;
}

/** Returns the replicas and further brokers, beginning with another one for each partition. The first replica stays the preferred leader. */
export function withMore(
  replicas: readonly number[],
  brokers: readonly number[],
  wanted: number,
  partition: number,
): number[] {
  const others = brokers.filter((broker) => !replicas.includes(broker)).toSorted((a, b) => a - b);
  const from = others.length === 0 ? 0 : partition % others.length;
  return [...replicas, ...others.slice(from), ...others.slice(0, from)].slice(0, wanted);
}
