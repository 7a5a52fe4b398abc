import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Admin } from 'kafkajs';
import type { FoundTopic } from './topic-differences.js';
import { timeLimit } from '#orders/time-limit.js';

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
