import type { Db } from 'mongodb';
import { javaCompatiblePartitioner, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { topicPartitionsCollection, type EarlierPartitions } from '#orders/topics/topic-partitions.js';

/**
 * Finds out where the records of an earlier partition count end, when the topic got more partitions after the backup: a record whose key
 * belongs to another partition under the present count was written under the earlier one, and nothing later was.
 */
export class FormerPartitions {
  private readonly ends: number[];
  private readonly partitionOf: (key: string) => number;

  /** @param ends the end offset of each partition at the backup @param now how many partitions the topic has */
  constructor(
    ends: readonly number[],
    private readonly now: number,
  ) {
    this.ends = [...ends];
    this.partitionOf = javaCompatiblePartitioner(now);
  }

  note(partition: number, offset: number, key: string | undefined): void {
    if (this.now === this.ends.length || key === undefined || partition >= this.ends.length) return;
    if (this.partitionOf(key) !== partition) this.ends[partition] = Math.max(this.ends[partition] ?? 0, offset + 1);
  }

  /** @returns `undefined` if the count is the same */
  get earlier(): Pick<EarlierPartitions, 'partitions' | 'ends'> | undefined {
    return this.now === this.ends.length ? undefined : { partitions: this.ends.length, ends: this.ends };
  }
}

/** Removes the producers of the backup and its expansion, and adds the partition count that has changed since. Repeatable. */
export async function resetTopicPartitions(
  db: Db,
  earlier: Pick<EarlierPartitions, 'partitions' | 'ends'> | undefined,
  until: Date,
): Promise<void> {
  const collection = topicPartitionsCollection(db);
  await collection.updateOne({ _id: ORDERS_TOPIC }, { $set: { producers: [], expansion: null } });
  if (earlier === undefined) return;
  await collection.updateOne(
    { _id: ORDERS_TOPIC, 'earlier.partitions': { $ne: earlier.partitions } },
    { $push: { earlier: { ...earlier, until } } },
  );
}
