import { join } from 'node:path';
import { DEAD_LETTER_GROUP, ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';
import type { Admin } from 'kafkajs';
import type { KafkaOfGroup } from './member/test-group.js';
import { asAdmin, quietKafka } from './topic-writer.js';
import { eventually } from './eventually.js';

/** The addresses of Kafka, the registry and MongoDB, and how safely Kafka keeps records, as the settings of `npm start`. */
export interface GivenServers {
  readonly KAFKA_BROKERS: string;
  readonly TOPIC_REPLICATION_FACTOR: string;
  readonly TOPIC_MIN_INSYNC_REPLICAS: string;
  readonly SCHEMA_REGISTRY_URL: string;
  readonly MONGODB_URI: string;
}

/** The servers of a Jest worker, as `shared-servers.mjs` announces them. */
interface WorkerServers {
  readonly addresses: GivenServers;
  /** Their data folder. */
  readonly directory: string;
}

/** The Kafka of a Jest worker. */
export interface WorkerKafka extends KafkaOfGroup {
  /** Returns the folder of a partition's segments. */
  partitionDirectory(topic: string, partition: number): string;
}

const GROUPS = [ORDERS_CONSUMER_GROUP, DEAD_LETTER_GROUP];

/**
 * Returns the servers of this Jest worker (see `shared-servers.mjs`) with no topics, no consumer groups and a new database.
 * @returns `undefined` in projects without shared servers
 */
export async function emptyServers(): Promise<GivenServers | undefined> {
  const servers = workerServers()?.addresses;
  if (servers === undefined) return undefined;
  await asAdmin(quietKafka(servers.KAFKA_BROKERS), removeTopics);
  const uri = new URL(servers.MONGODB_URI);
  uri.pathname = `/orders-${crypto.randomUUID()}`;
  return { ...servers, MONGODB_URI: uri.href };
}

/**
 * Returns the Kafka of this Jest worker, for specs that need no other server and use topics and groups with unique names.
 * @throws Error in projects without shared servers
 */
export function workerKafka(): WorkerKafka {
  const servers = workerServers();
  if (servers === undefined) throw new Error('only the projects `real` and `faults` have shared servers');
  const brokers = servers.addresses.KAFKA_BROKERS;
  return {
    brokers,
    kafka: quietKafka(brokers),
    nodes: { length: 1 },
    partitionDirectory: (topic, partition) => join(servers.directory, 'kafka', 'records', `${topic}-${partition}`),
  };
}

function workerServers(): WorkerServers | undefined {
  const shared = process.env[`SHARED_SERVERS_${process.env['JEST_WORKER_ID']}`];
  return shared === undefined ? undefined : (JSON.parse(shared) as WorkerServers);
}

/** Removes all topics and the groups of the apps, and waits until the broker no longer lists them: an app creates only what is missing. */
async function removeTopics(admin: Admin): Promise<void> {
  await eventually('no group of an app is left', async () => {
    const { groups } = await admin.describeGroups(GROUPS);
    const left = groups.filter(({ state }) => state !== 'Dead');
    // A group can be removed only once it has no members.
    const empty = left.filter(({ state }) => state === 'Empty').map(({ groupId }) => groupId);
    if (empty.length > 0) await admin.deleteGroups(empty);
    return empty.length === left.length;
  });
  const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
  if (topics.length > 0) await admin.deleteTopics({ topics });
  await eventually('no topic is left', async () => (await admin.listTopics()).every((topic) => topic.startsWith('__')));
}
