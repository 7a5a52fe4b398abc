import { setTimeout as delay } from 'node:timers/promises';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { Cluster } from '../cluster/cluster.js';
import { KAFKA_NODES, MONGODB_MEMBERS } from '../cluster/ground.js';
import type { FaultKind } from './fault.js';

const STOP_BUDGET_MS = 20_000;
const WHOLE_WITHIN_MS = 30_000;
const POLL_INTERVAL_MS = 200;
/** A Kafka node takes 30 s to restart on two cores beside the other processes. */
const SERVER_SECONDS = 50;

/** Drains and restarts every app, one after another, as in an upgrade. */
const rollingRestart: FaultKind = {
  name: 'rolling-restart',
  takesSeconds: 90,
  lastsMs: [0, 500],
  make: async (cluster) => {
    const names = cluster.apps.all.map(({ name }) => name);
    return Promise.resolve({
      subject: 'all apps, one after another',
      begin: async () => {
        for (const name of names) await cluster.apps.restart(name);
      },
      end: async () => Promise.resolve(),
    });
  },
};

/** Restarts every server of a kind in a controlled way, each once the previous one has caught up. */
function rolling(name: string, servers: readonly string[]): FaultKind {
  return {
    name,
    takesSeconds: SERVER_SECONDS * servers.length,
    lastsMs: [0, 500],
    make: async (cluster) =>
      Promise.resolve({
        subject: `${servers.join(', ')}, one after another`,
        begin: async () => {
          for (const each of servers) {
            const server = cluster.servers.server(each);
            await server.stop(STOP_BUDGET_MS);
            await server.start();
            await untilWhole(cluster);
          }
        },
        end: async () => Promise.resolve(),
      }),
  };
}

/** Waits up to 30 s until all replicas are in sync; another fault may keep a server unavailable. */
async function untilWhole(cluster: Cluster): Promise<void> {
  const deadline = performance.now() + WHOLE_WITHIN_MS;
  while (!(await isWhole(cluster)) && performance.now() < deadline) await delay(POLL_INTERVAL_MS);
}

async function isWhole({ kafka, mongo }: Cluster): Promise<boolean> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [ORDERS_TOPIC] });
    const partitions = topics.flatMap((topic) => topic.partitions);
    const { members } = await mongo.client.db('admin').command({ replSetGetStatus: 1 });
    const states = (members as { stateStr: string }[]).map(({ stateStr }) => stateStr);
    return (
      partitions.every(({ isr, replicas }) => isr.length === replicas.length) &&
      states.every((state) => state === 'PRIMARY' || state === 'SECONDARY')
    );
  } catch {
    // A server does not answer yet.
    return false;
  } finally {
    await admin.disconnect();
  }
}

/** Rolling restarts, as in an upgrade: every process is stopped once, and none fails. */
export const ROLLING_RESTARTS: readonly FaultKind[] = [
  rollingRestart,
  rolling('rolling-kafka', KAFKA_NODES),
  rolling('rolling-mongodb', MONGODB_MEMBERS),
];
