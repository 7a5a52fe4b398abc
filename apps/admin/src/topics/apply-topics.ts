import { setTimeout as delay } from 'node:timers/promises';
import { ConfigResourceTypes, ConfigSource, type Admin } from 'kafkajs';
import { createTopics } from '#service/kafka/create-topics.js';
import type { TopicDifference } from '#service/kafka/topic-differences.js';
import type { TopicPlan } from './topic-plan.js';

const POLL_INTERVAL_MS = 500;

type WantedCopies = Extract<TopicDifference, { kind: 'copies' }>;
type WantedSetting = Extract<TopicDifference, { kind: 'setting' }>;

/**
 * Carries a plan out: creates topics, changes settings, and adds copies. Safe to run again after an interruption: Kafka goes on copying.
 * @param print gets a line for each step that is done
 */
export async function applyTopics(admin: Admin, plan: TopicPlan, print: (line: string) => void): Promise<void> {
  if (plan.missing.length > 0) {
    await createTopics(admin, plan.missing);
    for (const { topic } of plan.missing) print(`created topic ${topic}`);
  }
  const settings = plan.differences.filter((each): each is WantedSetting => each.kind === 'setting');
  for (const [topic, wanted] of Map.groupBy(settings, (each) => each.topic)) {
    await changeSettings(admin, topic, wanted);
    for (const { name, found, wanted: value } of wanted)
      print(`changed ${name} of topic ${topic} from ${found} to ${value}`);
  }
  for (const each of plan.differences)
    if (each.kind === 'copies') {
      await addCopies(admin, each);
      print(`topic ${each.topic} has replication factor ${each.wanted}`);
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

/** Gives each partition more replicas, on brokers in turn, and waits until they have all records. */
async function addCopies(admin: Admin, { topic, wanted }: WantedCopies): Promise<void> {
  const { brokers } = await admin.describeCluster();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const partitionAssignment = (topics[0]?.partitions ?? [])
    .filter(({ replicas }) => replicas.length < wanted)
    .map(({ partitionId: partition, replicas }) => ({
      partition,
      replicas: withMore(
        replicas,
        brokers.map(({ nodeId }) => nodeId),
        wanted,
        partition,
      ),
    }));
  await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
  const partitions = partitionAssignment.map(({ partition }) => partition);
  for (;;) {
    const { topics: copying } = await admin.listPartitionReassignments({ topics: [{ topic, partitions }] });
    if (copying.every((each) => each.partitions.length === 0)) return;
    await delay(POLL_INTERVAL_MS);
  }
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
