import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, ITopicConfig } from 'kafkajs';

const LEADERS_WITHIN_MS = 30_000;
/** kafkajs's names of the errors that pass without intervention. */
const TRANSIENT_ERRORS = new Set<unknown>(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/** Partition counts by topic. */
export type PartitionCounts = ReadonlyMap<string, number>;

/**
 * Creates the topics that are missing, and waits up to 30 s until all partitions have leaders. Safe to run in several processes
 * at once. kafkajs's own wait (`waitForLeaders`) fails if the first broker that it asks does not know a new topic yet.
 * @returns the counts of the response that had all leaders: another broker may not know a new topic yet
 */
export async function createTopics(admin: Admin, topics: readonly ITopicConfig[]): Promise<PartitionCounts> {
  const existing = new Set(await admin.listTopics());
  const missing = topics.filter(({ topic }) => !existing.has(topic));
  // Resolves to false if another process has created the topics meanwhile, which is fine.
  if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: false });
  return awaitLeaders(
    admin,
    topics.map(({ topic }) => topic),
  );
}

async function awaitLeaders(admin: Admin, topics: string[]): Promise<PartitionCounts> {
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
