import { ConfigResourceTypes, type Admin } from 'kafkajs';
import type { TopicSettings } from '#orders/topics/topics.js';
import { onceKnown, type TopicShapes } from './create-topics.js';

/** How an existing topic differs from what it must be. */
export interface TopicFaults {
  /** Differences with which acknowledged records could be lost. */
  readonly unsafe: readonly string[];
  /** Other differences, which an operator should know. */
  readonly noted: readonly string[];
}

const MIN_IN_SYNC = 'min.insync.replicas';
const UNCLEAN_ELECTION = 'unclean.leader.election.enable';
const RETENTION = 'retention.ms';

/** Compares existing topics with the settings of new ones. More copies and a longer retention are fine. */
export async function findTopicFaults(
  admin: Admin,
  wanted: readonly TopicSettings[],
  shapes: TopicShapes,
): Promise<TopicFaults> {
  const configs = await readConfigs(admin, wanted);
  const unsafe: string[] = [];
  const noted: string[] = [];
  for (const { topic, replicationFactor, configEntries } of wanted) {
    const found = shapes.get(topic)?.copies ?? 0;
    if (found < replicationFactor)
      unsafe.push(
        `Topic ${topic} has replication factor ${found}, not ${replicationFactor}: give its partitions more replicas (kafka-reassign-partitions), or set TOPIC_REPLICATION_FACTOR=${found} to accept that one broker's loss loses records`,
      );
    const config = configs?.get(topic);
    if (config === undefined) noted.push(`The settings of topic ${topic} can't be read: allow DescribeConfigs`);
    else compare(topic, config, new Map(configEntries.map(({ name, value }) => [name, value])), { unsafe, noted });
  }
  return { unsafe, noted };
}

type Config = ReadonlyMap<string, string>;

function compare(
  topic: string,
  found: Config,
  wanted: Config,
  { unsafe, noted }: { readonly unsafe: string[]; readonly noted: string[] },
): void {
  const least = wanted.get(MIN_IN_SYNC) ?? '1';
  const inSync = found.get(MIN_IN_SYNC) ?? '1';
  if (Number(inSync) < Number(least))
    unsafe.push(
      `Topic ${topic} has ${MIN_IN_SYNC} ${inSync}, not ${least}: set it by kafka-configs, or set TOPIC_MIN_INSYNC_REPLICAS=${inSync} to accept that fewer copies acknowledge a record`,
    );
  if (found.get(UNCLEAN_ELECTION) === 'true')
    noted.push(
      `Topic ${topic} has ${UNCLEAN_ELECTION} true: a broker that lacks records may become the leader, and lose them. Set it to false`,
    );
  const [kept, needed] = [retention(found), retention(wanted)];
  if (kept < needed)
    noted.push(
      `Topic ${topic} has ${RETENTION} ${found.get(RETENTION)}, not ${wanted.get(RETENTION)}: records are removed earlier`,
    );
}

/** Returns the retention in milliseconds; -1 in Kafka stands for ever. */
function retention(config: Config): number {
  const milliseconds = Number(config.get(RETENTION) ?? -1);
  return milliseconds < 0 ? Number.POSITIVE_INFINITY : milliseconds;
}

/** Reads the topics' settings, of the topic or by the broker's default. @returns `undefined` if this client may not */
async function readConfigs(
  admin: Admin,
  topics: readonly TopicSettings[],
): Promise<ReadonlyMap<string, Config> | undefined> {
  const names = topics.map(({ topic }) => topic);
  try {
    const { resources } = await onceKnown(names, async () =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: names.map((name) => ({
          type: ConfigResourceTypes.TOPIC,
          name,
          configNames: [MIN_IN_SYNC, UNCLEAN_ELECTION, RETENTION],
        })),
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
