import type { RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Admin } from 'kafkajs';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { findTopics } from '#service/kafka/prepare-topics.js';
import { AdminError } from '../environment.js';
import type { KafkaState } from './manifest.js';

/** The consumer groups whose offsets belong to a backup, and the topics that they read. */
export const GROUPS = [
  { id: ORDERS_CONSUMER_GROUP, topic: ORDERS_TOPIC },
  { id: DEAD_LETTER_GROUP, topic: DEAD_LETTER_TOPIC },
] as const;
const TOPICS = [ORDERS_TOPIC, DEAD_LETTER_TOPIC];
/** States of a group without members. */
const WITHOUT_MEMBERS: ReadonlySet<string> = new Set(['Empty', 'Dead']);

/**
 * Reads the committed offsets first, then what the topics have. What a group has committed is stored in MongoDB already, and what is below
 * the end of a topic has its number from the counter already.
 * @throws AdminError `missing-topic`
 */
export async function readKafkaState(admin: Admin, reader: Pick<RecordReader, 'topicId'>): Promise<KafkaState> {
  const existing = new Set(await admin.listTopics());
  const missing = TOPICS.find((topic) => !existing.has(topic));
  if (missing !== undefined)
    throw new AdminError(
      'missing-topic',
      `Kafka has no topic ${missing}: correct KAFKA_BROKERS, or create it with topics apply.`,
    );
  const groups = await Promise.all(
    GROUPS.map(async ({ id, topic }) => ({ id, topic, offsets: await committedOffsets(admin, id, topic) })),
  );
  const { clusterId } = await admin.describeCluster();
  const found = await findTopics(admin, TOPICS);
  const topics = await Promise.all(
    TOPICS.map(async (name) => {
      const retention = found.get(name)?.settings?.get('retention.ms');
      return {
        name,
        id: await reader.topicId(name),
        retentionMs: retention === undefined ? null : Number(retention),
        partitions: await logEdges(admin, name),
      };
    }),
  );
  return { clusterId, topics, groups };
}

async function committedOffsets(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<KafkaState['groups'][number]['offsets']> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return (found?.partitions ?? [])
    .map(({ partition, offset }) => ({ partition, offset: Number(offset) < 0 ? null : Number(offset) }))
    .toSorted((a, b) => a.partition - b.partition);
}

/** Returns the first offset of each partition of a topic, and the one behind its last record. */
async function logEdges(admin: Admin, topic: string): Promise<KafkaState['topics'][number]['partitions']> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets
    .map(({ partition, low, high }) => ({ partition, begin: Number(low), end: Number(high) }))
    .toSorted((a, b) => a.partition - b.partition);
}

/**
 * Checks that Kafka still has everything from the offsets of a backup on.
 * @param now what Kafka has now. @throws AdminError `other-cluster`, `other-topic`, `older-than-retention`
 */
export function requireLog(backup: KafkaState, now: KafkaState): void {
  if (now.clusterId !== backup.clusterId)
    throw new AdminError(
      'other-cluster',
      `This Kafka is cluster ${now.clusterId}, and the backup belongs to ${backup.clusterId}: correct KAFKA_BROKERS.`,
    );
  for (const { name, id } of backup.topics) {
    const found = now.topics.find((topic) => topic.name === name);
    if (found?.id !== id)
      throw new AdminError(
        'other-topic',
        `Topic ${name} was deleted and created again since the backup: the records behind its offsets are lost.`,
      );
  }
  for (const { topic, partition, offset } of startOffsets(backup, now)) {
    const edges = partitionsOf(now, topic).find((each) => each.partition === partition);
    const { begin, end } = edges ?? { begin: 0, end: 0 };
    if (offset < begin)
      throw new AdminError(
        'older-than-retention',
        `The backup is older than the log: it continues ${topic} partition ${partition} at offset ${offset}, and Kafka has deleted all before ${begin}. Use a newer one.`,
      );
    if (offset > end)
      throw new AdminError(
        'other-topic',
        `Topic ${topic} partition ${partition} ends at offset ${end}, before offset ${offset} of the backup: its log was truncated.`,
      );
  }
}

/** Where a group continues after a restore. */
export interface StartOffset {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Returns the offsets to commit, for all partitions that a topic has now. A partition without a commit continues at its first record then; one
 * that was added since the backup at 0.
 */
export function startOffsets(backup: KafkaState, now: KafkaState): StartOffset[] {
  return backup.groups.flatMap(({ id: groupId, topic, offsets }) => {
    const committed = new Map(offsets.map(({ partition, offset }) => [partition, offset]));
    const begins = new Map(partitionsOf(backup, topic).map(({ partition, begin }) => [partition, begin]));
    return partitionsOf(now, topic).map(({ partition }) => ({
      groupId,
      topic,
      partition,
      offset: committed.get(partition) ?? begins.get(partition) ?? 0,
    }));
  });
}

/** A part of a log. */
export interface LogRange {
  readonly partition: number;
  readonly from: number;
  /** One past the last offset. */
  readonly to: number;
}

/** Returns what was written to a topic since the backup. */
export function writtenSince(backup: KafkaState, now: KafkaState, topic: string): LogRange[] {
  const ends = new Map(partitionsOf(backup, topic).map(({ partition, end }) => [partition, end]));
  return partitionsOf(now, topic).map(({ partition, begin, end }) => ({
    partition,
    from: Math.max(begin, ends.get(partition) ?? 0),
    to: end,
  }));
}

/** Returns the partitions of a topic, in ascending order. */
export function partitionsOf({ topics }: KafkaState, name: string): KafkaState['topics'][number]['partitions'] {
  return topics.find((topic) => topic.name === name)?.partitions ?? [];
}

/** @throws AdminError `group-has-members`: Kafka moves no offsets of such a group, and its consumers would go on behind them */
export async function requireNoMembers(admin: Admin): Promise<void> {
  const { groups } = await admin.describeGroups(GROUPS.map(({ id }) => id));
  const busy = groups.find(({ state }) => !WITHOUT_MEMBERS.has(state));
  if (busy === undefined) return;
  const members = busy.members.map(({ clientId, clientHost }) => `${clientId} at ${clientHost.replace(/^\//, '')}`);
  throw new AdminError(
    'group-has-members',
    `Consumer group ${busy.groupId} has members (${members.join(', ') || busy.state}): stop the consumers. Kafka notices killed ones after 10 s.`,
  );
}

/**
 * Commits offsets without metadata: that of the last commit says which later records are done, and they are not any more.
 * @throws Error if Kafka has other offsets afterwards, or kafkajs's error
 */
export async function commitOffsets(admin: Admin, offsets: readonly StartOffset[]): Promise<void> {
  for (const { id: groupId, topic } of GROUPS) {
    const own = offsets.filter((each) => each.groupId === groupId && each.topic === topic);
    const partitions = own.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
    if (partitions.length === 0) continue;
    await admin.setOffsets({ groupId, topic, partitions });
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const found = new Map(committed?.partitions.map(({ partition, offset }) => [partition, offset]));
    const other = partitions.find(({ partition, offset }) => found.get(partition) !== offset);
    if (other !== undefined)
      throw new Error(
        `Kafka did not take offset ${other.offset} of ${groupId} for ${topic} partition ${other.partition}: run the restore again`,
      );
  }
}
