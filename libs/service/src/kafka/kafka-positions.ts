import type { Positions, TopicPositions } from '#orders/topics/positions.js';
import type { Kafka } from 'kafkajs';
import { LazyAdmin } from '@orders-pipeline/parallel-consumer/kafkajs';

/** Reads positions from Kafka. Connects on first use. */
export class KafkaPositions implements TopicPositions {
  private readonly admin: LazyAdmin;

  constructor(kafka: Kafka) {
    this.admin = new LazyAdmin(kafka);
  }

  async ends(topic: string): Promise<Positions> {
    const offsets = await (await this.admin.connected()).fetchTopicOffsets(topic);
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  }

  async committed(groupId: string, topic: string): Promise<Positions> {
    const admin = await this.admin.connected();
    const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    if ([...committed.values()].every((offset) => offset >= 0)) return committed;
    // The group begins partitions without a commit at their first record.
    const starts = await admin.fetchTopicOffsets(topic);
    return new Map(starts.map(({ partition, low }) => [partition, committedOr(Number(low), committed.get(partition))]));
  }

  async close(): Promise<void> {
    await this.admin.close();
  }
}

function committedOr(low: number, offset = -1): number {
  return offset < 0 ? low : offset;
}
