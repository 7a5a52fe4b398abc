import type { Admin, ITopicConfig } from 'kafkajs';
import { findTopics } from './found-topics.js';
import type { FoundTopic } from './topic-differences.js';

/** Thrown when the topics can't have as many copies as they should because Kafka has too few brokers. */
export class TooFewBrokersError extends Error {
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
    if (!isOfType(cause, 'INVALID_REPLICATION_FACTOR')) throw cause;
    throw tooFewBrokers(missing[0]?.replicationFactor ?? 1, 'be created', { cause });
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
