import type { KafkaState } from '../backup/manifest.js';
import { RestoreError } from './restore-error.js';

type Topic = KafkaState['topics'][number];

/**
 * Checks that Kafka still has everything from the offsets of a backup on.
 * @param now what Kafka has now. @throws RestoreError `other-cluster`, `other-topic`, `older-than-retention`
 */
export function requireLog(backup: KafkaState, now: KafkaState): void {
  if (now.clusterId !== backup.clusterId)
    throw new RestoreError(
      'other-cluster',
      `This Kafka is cluster ${now.clusterId}, and the backup belongs to ${backup.clusterId}: correct KAFKA_BROKERS.`,
    );
  for (const { name, id } of backup.topics) {
    const found = now.topics.find((topic) => topic.name === name);
    if (found?.id !== id)
      throw new RestoreError(
        'other-topic',
        `Topic ${name} was deleted and created again since the backup: the records behind its offsets are lost.`,
      );
  }
  for (const { topic, partition, offset } of startOffsets(backup, now)) {
    const { begin, end } = edgesOf(now, topic, partition);
    if (offset < begin)
      throw new RestoreError(
        'older-than-retention',
        `The backup is older than the log: it continues ${topic} partition ${partition} at offset ${offset}, and Kafka has deleted all before ${begin}. Use a newer one.`,
      );
    if (offset > end)
      throw new RestoreError(
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
export function partitionsOf({ topics }: KafkaState, name: string): Topic['partitions'] {
  return topics.find((topic) => topic.name === name)?.partitions ?? [];
}

function edgesOf(
  state: KafkaState,
  topic: string,
  partition: number,
): { readonly begin: number; readonly end: number } {
  return partitionsOf(state, topic).find((each) => each.partition === partition) ?? { begin: 0, end: 0 };
}
