import { connectKafka, type KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Admin } from 'kafkajs';
import type { ExpandedTopics } from './expand-topics.js';

/** The topics of a Kafka. */
export class KafkaTopics implements ExpandedTopics {
  constructor(
    private readonly admin: Admin,
    private readonly options: KafkaOptions,
  ) {}

  async partitionsOf(topic: string): Promise<number> {
    return (await leadersOf(this.admin, topic)).length;
  }

  async grow(topic: string, partitions: number): Promise<void> {
    if ((await this.partitionsOf(topic)) >= partitions) return;
    try {
      await this.admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] });
    } catch (error) {
      // The controller has them: the broker that was asked does not know yet what another run has added.
      if (!isOfType(error, 'INVALID_PARTITIONS')) throw error;
    }
  }

  async isKnown(topic: string, partitions: number): Promise<boolean> {
    const { brokers } = await this.admin.describeCluster();
    const known = await Promise.all(
      brokers.map(async ({ host, port }) => this.isKnownAt(`${host}:${port}`, topic, partitions)),
    );
    return known.every(Boolean);
  }

  /** Asks one broker: a client of its own has no connection to another one yet. */
  private async isKnownAt(broker: string, topic: string, partitions: number): Promise<boolean> {
    const admin = connectKafka({ ...this.options, brokers: [broker] }).admin();
    try {
      await admin.connect();
      const leaders = await leadersOf(admin, topic);
      return leaders.length >= partitions && leaders.every((leader) => leader >= 0);
    } finally {
      await admin.disconnect();
    }
  }
}

async function leadersOf(admin: Admin, topic: string): Promise<number[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.map(({ leader }) => leader) ?? [];
}

function isOfType(error: unknown, type: string): boolean {
  return error instanceof Error && 'type' in error && error.type === type;
}
