import type { Kafka } from 'kafkajs';
import { Gauge, type Registry } from 'prom-client';
import { LazyAdmin } from '@orders-pipeline/parallel-consumer/kafkajs';

/** Reads from Kafka whether all replicas of the topics follow. Connects on first use. */
export class TopicReplicas {
  private readonly admin: LazyAdmin;

  constructor(
    kafka: Kafka,
    private readonly topics: readonly string[],
  ) {
    this.admin = new LazyAdmin(kafka);
  }

  /** Returns for each topic the number of partitions with a replica that is not in sync. @throws when a partition has no leader */
  async underReplicated(): Promise<ReadonlyMap<string, number>> {
    const admin = await this.admin.connected();
    const { topics } = await admin.fetchTopicMetadata({ topics: [...this.topics] });
    return new Map(
      topics.map(({ name, partitions }) => [
        name,
        partitions.filter(({ isr, replicas }) => isr.length < replicas.length).length,
      ]),
    );
  }

  async close(): Promise<void> {
    await this.admin.close();
  }
}

/** Exports under-replicated partitions at each scrape. @param read returns `null` while the number is unknown */
export function exposeReplicas(read: () => Promise<ReadonlyMap<string, number> | null>, registry: Registry): void {
  const gauge: Gauge = new Gauge({
    name: 'pipeline_under_replicated_partitions',
    help: 'Partitions of the topic that have fewer replicas in sync than configured',
    labelNames: ['topic'],
    registers: [registry],
    collect: async () => {
      const counts = await read();
      gauge.reset();
      for (const [topic, count] of counts ?? []) gauge.set({ topic }, count);
    },
  });
}
