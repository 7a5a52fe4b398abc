import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { tooFewBrokers } from '#service/kafka/prepare-topics.js';

const POLL_INTERVAL_MS = 500;

/** How many copies a topic must have. */
export interface WantedCopies {
  readonly topic: string;
  readonly wanted: number;
}

/** Gives each partition more replicas, on brokers in turn. Kafka copies in the background. @throws TooFewBrokersError */
export async function addCopies(admin: Admin, { topic, wanted }: WantedCopies): Promise<void> {
  const { brokers } = await admin.describeCluster();
  if (brokers.length < wanted) throw tooFewBrokers(wanted, 'get more copies');
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const ids = brokers.map(({ nodeId }) => nodeId);
  const partitionAssignment = (topics[0]?.partitions ?? [])
    .filter(({ replicas }) => replicas.length < wanted)
    .map(({ partitionId: partition, replicas }) => ({
      partition,
      replicas: withMore(replicas, ids, wanted, partition),
    }));
  await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
}

/** Waits until the new replicas of all partitions have all records. @param print gets a line when the number of partitions that are copied changes */
export async function awaitCopies(admin: Admin, print: (line: string) => void): Promise<void> {
  let printed = 0;
  for (;;) {
    const copying = await partitionsInCopy(admin);
    if (copying === 0) return;
    if (copying !== printed) print(`Kafka copies ${copying} partitions to more brokers`);
    printed = copying;
    await delay(POLL_INTERVAL_MS);
  }
}

async function partitionsInCopy(admin: Admin): Promise<number> {
  const { topics: ours } = await admin.fetchTopicMetadata({ topics: [ORDERS_TOPIC, DEAD_LETTER_TOPIC] });
  const request = ours.map(({ name, partitions }) => ({
    topic: name,
    partitions: partitions.map(({ partitionId }) => partitionId),
  }));
  const { topics } = await admin.listPartitionReassignments({ topics: request });
  return topics.flatMap(({ partitions }) => partitions).length;
}

/** Returns the replicas and further brokers, beginning with another one for each partition. The first replica stays the preferred leader. */
export function withMore(
  replicas: readonly number[],
  brokers: readonly number[],
  wanted: number,
  partition: number,
): number[] {
  const others = brokers.filter((broker) => !replicas.includes(broker)).toSorted((a, b) => a - b);
  const from = others.length === 0 ? 0 : partition % others.length;
  return [...replicas, ...others.slice(from), ...others.slice(0, from)].slice(0, wanted);
}
