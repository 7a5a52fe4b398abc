import type { OnApplicationShutdown } from '@nestjs/common';
import { LazyAdmin } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Kafka } from 'kafkajs';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, type Positions } from '#orders/topics/topics.js';
import type { KafkaPositions } from '#service/kafka/kafka-clients.js';
import type { Mongo } from '#service/mongodb/mongo.js';

/**
 * Removes the records of dead letters that nothing needs any more from the dead-letter topic, which Kafka keeps for ever: those before the
 * oldest letter in MongoDB. Kafka removes whole segments.
 */
export class LetterTopic implements OnApplicationShutdown {
  private readonly admin: LazyAdmin;

  /** @param retentionMs younger records are kept, so that a backup of that age can be restored, in milliseconds */
  constructor(
    kafka: Kafka,
    private readonly mongo: Mongo,
    private readonly positions: Pick<KafkaPositions, 'committed'>,
    private readonly retentionMs: number,
  ) {
    this.admin = new LazyAdmin(kafka);
  }

  /** @returns the partitions of which records were removed. @throws when Kafka or MongoDB is unavailable */
  async trim(): Promise<number> {
    const admin = await this.admin.connected();
    // Read before the letters: those before it are in MongoDB, unless they are removed.
    const projected = await this.positions.committed(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC);
    const old = await admin.fetchTopicOffsetsByTimestamp(DEAD_LETTER_TOPIC, this.retainedSince());
    const kept = await this.oldestLetters();
    const starts = new Map(
      (await admin.fetchTopicOffsets(DEAD_LETTER_TOPIC)).map(({ partition, low }) => [partition, Number(low)]),
    );
    const partitions = old
      .map(({ partition, offset }) => ({ partition, offset: trimOffset(partition, Number(offset), projected, kept) }))
      .filter(({ partition, offset }) => offset > (starts.get(partition) ?? 0))
      .map(({ partition, offset }) => ({ partition, offset: String(offset) }));
    if (partitions.length > 0) await admin.deleteTopicRecords({ topic: DEAD_LETTER_TOPIC, partitions });
    return partitions.length;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.admin.close();
  }

  private retainedSince(): number {
    return this.mongo.time.now().getTime() - this.retentionMs;
  }

  /** Returns the lowest offset of the letters of each partition that has some. */
  private async oldestLetters(): Promise<Positions> {
    const oldest = await deadLettersCollection(this.mongo.db)
      .aggregate<{ _id: number; offset: number }>([
        { $group: { _id: '$letter.partition', offset: { $min: '$letter.offset' } } },
      ])
      .toArray();
    return new Map(oldest.map(({ _id, offset }) => [_id, offset]));
  }
}

/**
 * Returns the offset before which nothing is needed: it is older than the retention, in MongoDB, and no letter is left there.
 * @param old the first offset that is not older than the retention
 */
export function trimOffset(partition: number, old: number, projected: Positions, kept: Positions): number {
  return Math.min(old, projected.get(partition) ?? 0, kept.get(partition) ?? Number.POSITIVE_INFINITY);
}
