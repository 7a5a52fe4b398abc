import type { Kafka } from '#parallel-consumer/kafka/kafkajs.js';
import { LazyAdmin } from '#parallel-consumer/kafka/lazy-admin.js';

/** Offsets by partition. */
export type Positions = ReadonlyMap<number, number>;

/** Reads the offsets of topics and the committed offsets of consumer groups from Kafka. */
export class TopicPositions {
  private readonly admin: LazyAdmin;

  constructor(kafka: Kafka) {
    this.admin = new LazyAdmin(kafka);
  }

  /**
   * Reads the end offsets: the offsets that the next records will get.
   * @throws when Kafka is unavailable
   */
  async ends(topic: string): Promise<Positions> {
    const offsets = await (await this.admin.connected()).fetchTopicOffsets(topic);
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  }

  /**
   * Reads the group's committed offsets: all records before them are finished. For a partition without a committed offset it
   * returns the log start offset, where the group will begin.
   * @throws when Kafka is unavailable
   */
  async committed(groupId: string, topic: string): Promise<Positions> {
    const admin = await this.admin.connected();
    const [starts, [group]] = await Promise.all([
      admin.fetchTopicOffsets(topic),
      admin.fetchOffsets({ groupId, topics: [topic] }),
    ]);
    const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    return new Map(
      starts.map(({ partition, low }) => {
        const offset = committed.get(partition) ?? -1;
        return [partition, offset < 0 ? Number(low) : offset];
      }),
    );
  }

  async close(): Promise<void> {
    await this.admin.close();
  }
}

/** Counts the records between two positions of a topic. */
export function recordsBetween(from: Positions, to: Positions): number {
  return [...to].reduce((sum, [partition, offset]) => sum + Math.max(0, offset - (from.get(partition) ?? 0)), 0);
}
