import type { KafkaOfGroup } from './member/test-group.js';
import { quietKafka } from './topic-writer.js';
import { eventually } from './eventually.js';

/** The addresses of Kafka, the registry and MongoDB, as the settings of `npm start`. */
export interface GivenServers {
  readonly KAFKA_BROKERS: string;
  readonly SCHEMA_REGISTRY_URL: string;
  readonly MONGODB_URI: string;
}

/**
 * Returns the servers of this Jest worker (see `shared-servers.mjs`) with no topics, no consumer groups and a new database.
 * @returns `undefined` in projects without shared servers
 */
export async function emptyServers(): Promise<GivenServers | undefined> {
  const shared = process.env[`SHARED_SERVERS_${process.env['JEST_WORKER_ID']}`];
  if (shared === undefined) return undefined;
  const servers = JSON.parse(shared) as GivenServers;
  await removeTopics(servers.KAFKA_BROKERS);
  const uri = new URL(servers.MONGODB_URI);
  uri.pathname = `/orders-${crypto.randomUUID()}`;
  return { ...servers, MONGODB_URI: uri.href };
}

/**
 * Returns the Kafka of this Jest worker, for specs that need no other server and use topics and groups with unique names.
 * @throws Error in projects without shared servers
 */
export async function workerKafka(): Promise<KafkaOfGroup> {
  const servers = await emptyServers();
  if (servers === undefined) throw new Error('only the `real` project has shared servers');
  const brokers = servers.KAFKA_BROKERS;
  return { brokers, kafka: quietKafka(brokers), nodes: { length: 1 } };
}

/** Removes all topics and groups, and waits until the broker no longer lists them: an app creates only what is missing. */
async function removeTopics(brokers: string): Promise<void> {
  const admin = quietKafka(brokers).admin();
  await admin.connect();
  try {
    const { groups } = await admin.listGroups();
    if (groups.length > 0) await admin.deleteGroups(groups.map(({ groupId }) => groupId));
    const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
    if (topics.length > 0) await admin.deleteTopics({ topics });
    await eventually('no topic is left', 10_000, async () =>
      (await admin.listTopics()).every((topic) => topic.startsWith('__')),
    );
  } finally {
    await admin.disconnect();
  }
}
