import { Counter, Gauge, type Registry } from 'prom-client';
import type { Kafka } from 'kafkajs';
import { LazyAdmin } from '@orders-pipeline/parallel-consumer/kafkajs';
import { hasRecentHeartbeat } from './consumer-watch.js';
import type { PipelineSnapshot } from './pipeline-snapshots.js';

/** By partition; unknown values are left out. */
type Values = readonly (readonly [partition: number, value: number])[];

/**
 * Exports metrics of the whole pipeline. A dead consumer's own metrics disappear with it, so the console exports lag too. An unknown value has no
 * sample.
 * @param latest returns the newest snapshot; `undefined`: none has been taken yet
 */
export function exposePipeline(latest: () => PipelineSnapshot | undefined, registry: Registry): void {
  counter('pipeline_topic_records_total', 'Records ever written to the orders topic', ({ ends }) => [...(ends ?? [])]);
  counter(
    'pipeline_committed_records_total',
    'Records of the orders topic that the consumer group has committed',
    ({ committed }) => [...(committed ?? [])],
  );
  gauge('pipeline_lag_records', 'Records written but not committed (consumer lag)', toLag);
  gauge('pipeline_dead_letters_pending', 'Dead letters that are pending', ({ deadLetters }) => deadLetters);
  gauge(
    'pipeline_consumers',
    'Consumers with a recent heartbeat',
    ({ consumers }) => consumers?.filter((each) => hasRecentHeartbeat(each)).length ?? null,
  );

  function counter(name: string, help: string, read: (snapshot: PipelineSnapshot) => Values): void {
    const metric: Counter = new Counter({
      name,
      help,
      labelNames: ['partition'],
      registers: [registry],
      collect: () => {
        const snapshot = latest();
        metric.reset();
        for (const [partition, value] of snapshot === undefined ? [] : read(snapshot)) metric.inc({ partition }, value);
      },
    });
  }

  function gauge(name: string, help: string, read: (snapshot: PipelineSnapshot) => Values | number | null): void {
    const metric: Gauge = new Gauge({
      name,
      help,
      labelNames: ['partition'],
      registers: [registry],
      collect: () => {
        const snapshot = latest();
        const value = snapshot === undefined ? null : read(snapshot);
        metric.reset();
        // A total has no partition. The label exists because a gauge without labels would export 0 for an unknown value.
        if (typeof value === 'number') metric.set({}, value);
        else for (const [partition, each] of value ?? []) metric.set({ partition }, each);
      },
    });
  }
}

function toLag({ ends, committed }: PipelineSnapshot): Values {
  return [...(ends ?? [])].flatMap(([partition, end]) => {
    const at = committed?.get(partition);
    return at === undefined ? [] : [[partition, Math.max(0, end - at)] as const];
  });
}

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
