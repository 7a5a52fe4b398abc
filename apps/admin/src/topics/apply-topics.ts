import kafkajs, { type Admin } from 'kafkajs';
import { createTopics, type TopicDifference } from '#service/kafka/prepare-topics.js';
import { addCopies, awaitCopies } from './copies.js';
import type { TopicPlan } from './topic-plan.js';

const { ConfigResourceTypes, ConfigSource } = kafkajs;

type WantedCopies = Extract<TopicDifference, { kind: 'copies' }>;
type WantedSetting = Extract<TopicDifference, { kind: 'setting' }>;

/**
 * Carries a plan out: creates topics, adds copies, and changes settings. Safe to run again after an interruption: Kafka goes on copying,
 * and the next run waits for it.
 * @param print gets a line for each step that is done
 */
export async function applyTopics(admin: Admin, plan: TopicPlan, print: (line: string) => void): Promise<void> {
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
