import { ORDERS_TOPIC } from '#orders/topics.js';
import type { Cluster } from '../cluster/cluster.js';
import { KAFKA_NODES } from '../cluster/ground.js';
import { electPreferredLeaders } from '../cluster/elect-leaders.js';
import type { FaultKind } from './fault.js';

/** Every partition gets another leader, while all nodes are well: by the order of its replicas, and the election of the first. */
const leaderMoves: FaultKind = {
  name: 'leader-moves',
  lastsMs: [500, 2_000],
  make: async (cluster, draw) => {
    const first = draw(KAFKA_NODES.length);
    return Promise.resolve({
      subject: ORDERS_TOPIC,
      begin: async () => moveLeaders(cluster, first),
      end: async () => Promise.resolve(),
    });
  },
};

/** A node that is stopped in good order hands its partitions over, and takes some back later. */
const restartBroker: FaultKind = {
  name: 'restart-broker',
  lastsMs: [0, 2_000],
  make: async (cluster, draw) => {
    const subject = KAFKA_NODES[draw(KAFKA_NODES.length)] ?? '';
    return Promise.resolve({
      subject,
      begin: async () => cluster.servers.server(subject).stop(20_000),
      end: async () => cluster.servers.server(subject).start(),
    });
  },
};

async function moveLeaders(cluster: Cluster, first: number): Promise<void> {
  const admin = cluster.kafka.admin();
  await admin.connect();
  try {
    const metadata = await admin.fetchTopicMetadata({ topics: [ORDERS_TOPIC] });
    const partitions = metadata.topics[0]?.partitions ?? [];
    const partitionAssignment = partitions.map(({ partitionId: partition, replicas }) => {
      const place = (partition + first) % replicas.length;
      return { partition, replicas: [...replicas.slice(place), ...replicas.slice(0, place)] };
    });
    await admin.alterPartitionReassignments({ topics: [{ topic: ORDERS_TOPIC, partitionAssignment }] });
  } finally {
    await admin.disconnect();
  }
  await electPreferredLeaders(cluster.brokers.split(',')[0] ?? '');
}

/** What Kafka does by itself, or in good order. */
export const KAFKA_FAULTS: readonly FaultKind[] = [leaderMoves, restartBroker];
