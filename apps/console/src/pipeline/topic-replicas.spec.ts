import { describe, expect, it } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { Registry } from 'prom-client';
import { exposeReplicas, TopicReplicas } from './topic-replicas.js';

/** A client of a cluster whose metadata is given. */
function kafkaWith(topics: { name: string; partitions: { isr: number[]; replicas: number[] }[] }[]): Kafka {
  const admin = {
    connect: async () => undefined,
    disconnect: async () => undefined,
    fetchTopicMetadata: async () => ({ topics }),
  };
  return { admin: () => admin } as unknown as Kafka;
}

describe('under-replicated partitions', () => {
  it('are counted by topic', async () => {
    const replicas = [1, 2, 3];
    const kafka = kafkaWith([
      { name: 'orders.v1', partitions: [3, 2, 1].map((inSync) => ({ replicas, isr: replicas.slice(0, inSync) })) },
      { name: 'orders.v1.dead-letter', partitions: [{ replicas, isr: replicas }] },
    ]);
    const counts = await new TopicReplicas(kafka, ['orders.v1', 'orders.v1.dead-letter']).underReplicated();
    expect([...counts]).toEqual([
      ['orders.v1', 2],
      ['orders.v1.dead-letter', 0],
    ]);
  });

  it('have no sample while Kafka does not answer', async () => {
    const registry = new Registry();
    const answers = [new Map([['orders.v1', 2]]), null];
    exposeReplicas(async () => answers.shift() ?? null, registry);
    expect(await registry.metrics()).toContain('pipeline_under_replicated_partitions{topic="orders.v1"} 2');
    expect(await registry.metrics()).not.toContain('pipeline_under_replicated_partitions{');
  });
});
