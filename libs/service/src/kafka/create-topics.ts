import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, ITopicConfig } from 'kafkajs';

const LEADERS_WITHIN_MS = 30_000;
/** kafkajs's names of the errors that pass without intervention. */
const TRANSIENT_ERRORS = new Set<unknown>(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/** A topic as all its partitions have leaders. */
export interface TopicShape {
  readonly partitions: number;
  /** The copies of the partition that has the fewest. */
  readonly copies: number;
}
export type TopicShapes = ReadonlyMap<string, TopicShape>;

/**
 * Creates the topics that are missing, and waits up to 30 s until all partitions have leaders. Safe to run in several processes
 * at once. kafkajs's own wait (`waitForLeaders`) fails if the first broker that it asks does not know a new topic yet.
 * @returns the topics of the response that had all leaders: another broker may not know a new topic yet
 */
export async function createTopics(admin: Admin, topics: readonly ITopicConfig[]): Promise<TopicShapes> {
  const existing = new Set(await admin.listTopics());
  const missing = topics.filter(({ topic }) => !existing.has(topic));
  // Resolves to false if another process has created the topics meanwhile, which is fine.
  if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: false });
  const names = topics.map(({ topic }) => topic);
  return onceKnown(names, async () => shapesIfLed(admin, names));
}

/** Repeats a request for up to 30 s while it finds nothing, or while the responding broker does not know a topic yet. */
export async function onceKnown<T>(topics: readonly string[], request: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + LEADERS_WITHIN_MS;
  for (;;) {
    const found = await request().catch((error: unknown) => {
      if (error instanceof Error && 'type' in error && TRANSIENT_ERRORS.has(error.type)) return undefined;
      throw error;
    });
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${topics.join(', ')} have no leaders after ${LEADERS_WITHIN_MS} ms`);
    await delay(100);
  }
}

/** @returns `undefined` while a partition has no leader */
async function shapesIfLed(admin: Admin, names: string[]): Promise<TopicShapes | undefined> {
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const haveLeaders = topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0));
  if (!haveLeaders) return undefined;
  return new Map(
    topics.map(({ name, partitions }) => [
      name,
      { partitions: partitions.length, copies: Math.min(...partitions.map(({ replicas }) => replicas.length)) },
    ]),
  );
}
