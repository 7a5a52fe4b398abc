import type { Kafka } from '#parallel-consumer/kafka/kafkajs.js';
import { LazyAdmin } from '#parallel-consumer/kafka/lazy-admin.js';

/** Offsets by partition. */
export type Positions = ReadonlyMap<number, number>;

/** Where topics begin and end, and how far groups have come on them, as Kafka tells it. */
export class TopicPositions {
  private readonly admin: LazyAdmin;

  constructor(kafka: Kafka) {
    this.admin = new LazyAdmin(kafka);
  }

  /** The offsets that the next records will get. @throws when Kafka doesn't answer */
  async ends(topic: string): Promise<Positions> {
    const offsets = await (await this.admin.connected()).fetchTopicOffsets(topic);
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  }

  /**
   * What the group has committed: all before it is finished. Where it has committed nothing it will begin at the first record
   * that there is. @throws when Kafka doesn't answer
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

/** How many records lie between two positions of a topic. */
export function recordsBetween(from: Positions, to: Positions): number {
  return [...to].reduce((sum, [partition, offset]) => sum + Math.max(0, offset - (from.get(partition) ?? 0)), 0);
}
