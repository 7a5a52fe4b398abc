import { systemClock } from '@orders-pipeline/clock';
import { checkOptions } from '../checks/check-options.js';
import { oneOf, positiveInteger, text, withFunctions, type Check } from '../checks/value-checks.js';
import type { EngineLogger } from '../events/engine-logger.js';
import type { Rebalancing } from './owned-partitions.js';
import { requireStartAt, type StartAt } from './start-positions.js';

/** The topics and the group that a broker joins, and how it fetches. */
export interface KafkaBrokerOptions {
  /** The topic that is read, or several: then all members of the group should name the same ones. */
  readonly topic: string | readonly string[];
  readonly groupId: string;
  readonly logger: EngineLogger;
  /**
   * The group expels this member after this time without a heartbeat, in ms. Default 10,000. After an outage of Kafka that is longer, the
   * members repeat what they had not committed; a killed member's partitions wait for this long.
   */
  readonly sessionTimeoutMs?: number;
  /**
   * How long the group waits in a rebalance for this member, which first finishes and commits its running records, in ms. At least the session
   * timeout, and at least 4,000 more than the consumer's `drainTimeoutMs`. Default: twice the session timeout.
   */
  readonly rebalanceTimeoutMs?: number;
  /** Maximum bytes of one fetch from one node. Default 2 MiB. */
  readonly maxBytes?: number;
  /**
   * Maximum bytes of one fetch for one partition. Default 256 KiB. Besides the records in the window, memory holds at most two such
   * fetches per assigned partition. A larger record batch is still fetched.
   */
  readonly maxBytesPerPartition?: number;
  /**
   * Maximum size of one decompressed record batch, in bytes, with any codec. Default 64 MiB. A larger one stops its partition
   * (`batch-too-large`). Decompressed batches count towards `maxBytes` of the consumer, which one of them may exceed.
   */
  readonly maxDecompressedBytes?: number;
  /**
   * How partitions move to other members. Default `eager`: before each rebalance all members finish and commit their running records, and nothing
   * new begins until it is over. `cooperative`: only partitions that move are finished and committed, the others go on. All members of a group
   * must have the same setting, so change it while none runs: one with another setting does not join, and is not ready
   * (`INCONSISTENT_GROUP_PROTOCOL`).
   */
  readonly rebalancing?: Rebalancing;
  /** Where partitions without a committed offset are read from. Default `earliest`. */
  readonly startAt?: StartAt;
}

/** Checks of the options that all client libraries share. */
const BROKER_CHECKS = {
  topic: topicNames,
  groupId: text,
  logger: withFunctions('info', 'warn', 'error'),
  sessionTimeoutMs: positiveInteger,
  rebalanceTimeoutMs: positiveInteger,
  maxBytes: positiveInteger,
  maxBytesPerPartition: positiveInteger,
  maxDecompressedBytes: positiveInteger,
  rebalancing: oneOf('eager', 'cooperative'),
  startAt: (_name, value) => requireStartAt(value, systemClock.now()),
} satisfies Record<keyof KafkaBrokerOptions, Check>;

/** The protocol has 32 bits for it. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;
const REQUIRED_OPTIONS = ['topic', 'groupId', 'logger'];

/**
 * Checks the options of a broker of any client library.
 * @param client the name of the option with the client, and its check
 * @throws TypeError or RangeError that names a wrong option
 */
export function checkBrokerOptions(given: KafkaBrokerOptions, client: Readonly<Record<string, Check>>): void {
  checkOptions(given, {
    checks: { ...client, ...BROKER_CHECKS },
    required: [...Object.keys(client), ...REQUIRED_OPTIONS],
  });
  requireOneTopic(given);
  const { sessionTimeoutMs, rebalanceTimeoutMs } = timeoutsOf(given);
  if (rebalanceTimeoutMs < sessionTimeoutMs || rebalanceTimeoutMs > LONGEST_TIMEOUT_MS)
    throw new RangeError(
      `rebalanceTimeoutMs must be from sessionTimeoutMs (${sessionTimeoutMs}) to ${LONGEST_TIMEOUT_MS}, got ${rebalanceTimeoutMs}`,
    );
}

/** Returns the timeouts of a member, with their defaults. */
export function timeoutsOf({
  sessionTimeoutMs = 10_000,
  rebalanceTimeoutMs = 2 * sessionTimeoutMs,
}: Pick<KafkaBrokerOptions, 'sessionTimeoutMs' | 'rebalanceTimeoutMs'>): Required<
  Pick<KafkaBrokerOptions, 'sessionTimeoutMs' | 'rebalanceTimeoutMs'>
> {
  return { sessionTimeoutMs, rebalanceTimeoutMs };
}

/** Returns the topics of a broker as a list. */
export function topicsOf(topic: KafkaBrokerOptions['topic']): readonly string[] {
  return typeof topic === 'string' ? [topic] : topic;
}

function topicNames(name: string, value: unknown): void {
  const topics: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (topics.length === 0) throw new TypeError(`${name} must name at least one topic`);
  for (const topic of topics) text(name, topic);
  const twice = topics.find((topic, at) => topics.indexOf(topic) !== at);
  if (typeof twice === 'string') throw new TypeError(`${name} names ${twice} twice`);
}

function requireOneTopic({ topic, startAt }: KafkaBrokerOptions): void {
  const topics = topicsOf(topic);
  if (topics.length > 1 && typeof startAt === 'object' && 'offsets' in startAt)
    throw new TypeError(`startAt.offsets are those of one topic, got ${topics.length} topics: ${topics.join(', ')}`);
}
