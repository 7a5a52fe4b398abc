import { setTimeout as delay } from 'node:timers/promises';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { Cluster } from '../cluster/cluster.js';
import { KAFKA_NODES } from '../cluster/ground.js';
import { electPreferredLeaders } from '../cluster/elect-leaders.js';
import type { FaultKind } from './fault.js';

const ELECTED_WITHIN_MS = 10_000;
const POLL_INTERVAL_MS = 200;

/**
 * Moves the leaders of about half of the partitions: rotates their replica lists and elects the preferred leaders. The others stay, so that
 * a client's batch succeeds at one broker and fails at another.
 */
const leaderMoves: FaultKind = {
  name: 'leader-moves',
  lastsMs: [500, 2_000],
  make: async (cluster, draw) => {
    const by = 1 + draw(KAFKA_NODES.length - 1);
    return Promise.resolve({
      subject: ORDERS_TOPIC,
      begin: async () => moveLeaders(cluster, by, (partition) => partition === 0 || draw(2) === 0),
      end: async () => Promise.resolve(),
    });
  },
};

/** Restarts a node in a controlled way: it hands its leaderships over and gets some back later. */
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

async function moveLeaders(cluster: Cluster, by: number, isMoved: (partition: number) => boolean): Promise<void> {
  const admin = cluster.kafka.admin();
  await admin.connect();
  try {
    const leaders = async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [ORDERS_TOPIC] });
      return topics[0]?.partitions ?? [];
    };
    const before = await leaders();
    const moved = before.filter(({ partitionId }) => isMoved(partitionId));
    const partitionAssignment = moved.map(({ partitionId: partition, leader, replicas }) => {
      const place = (replicas.indexOf(leader) + by) % replicas.length;
      return { partition, replicas: [...replicas.slice(place), ...replicas.slice(0, place)] };
    });
    await admin.alterPartitionReassignments({ topics: [{ topic: ORDERS_TOPIC, partitionAssignment }] });
    await electByAny(cluster.brokers.split(','));
    const led = new Map(before.map(({ partitionId, leader }) => [partitionId, leader]));
    const deadline = performance.now() + ELECTED_WITHIN_MS;
    // One move is enough: an unavailable replica can't become the leader.
    while ((await leaders()).every(({ partitionId, leader }) => led.get(partitionId) === leader)) {
      if (performance.now() > deadline) throw new Error('no partition has another leader');
      await delay(POLL_INTERVAL_MS);
    }
  } finally {
    await admin.disconnect();
  }
}

/** Sends the request to the first broker that answers. */
async function electByAny(brokers: readonly string[]): Promise<void> {
  const failures: unknown[] = [];
  for (const broker of brokers) {
    try {
      await electPreferredLeaders(broker);
      return;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, 'no broker elected leaders');
}

/** Kills one node and starts it again only once everything works without it. */
const brokerAway: FaultKind = {
  name: 'broker-away',
  lastsMs: [2_000, 8_000],
  isTolerated: true,
  make: async (cluster, draw) => {
    const subject = KAFKA_NODES[draw(KAFKA_NODES.length)] ?? '';
    return Promise.resolve({
      subject,
      begin: async () => cluster.servers.server(subject).kill(),
      end: async () => cluster.servers.server(subject).start(),
    });
  },
};

/** Leader moves, controlled restarts and outages of Kafka nodes. */
export const KAFKA_FAULTS: readonly FaultKind[] = [leaderMoves, restartBroker, brokerAway];
