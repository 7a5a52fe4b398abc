import { setTimeout as delay } from 'node:timers/promises';
import { ORDERS_TOPIC } from '#orders/topics.js';
import type { Cluster } from '../cluster/cluster.js';
import { KAFKA_NODES, MONGODB_MEMBERS } from '../cluster/ground.js';
import type { FaultKind } from './fault.js';

const STOP_BUDGET_MS = 20_000;
const WHOLE_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 200;
/** Kafka takes half a minute, on two cores beside all the others. */
const SERVER_SECONDS = 50;

/** Every app drains and comes again, one after another, as in an upgrade. */
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

/** Every server of a kind is stopped in good order and started again, one after another, each once the one before it has caught up. */
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

/** Whoever rolls waits for every replica, for a while at the most: another fault may keep one away. */
async function untilWhole(cluster: Cluster): Promise<void> {
  const deadline = performance.now() + WHOLE_WITHIN_MS;
  while (!(await isWhole(cluster)) && performance.now() < deadline) await delay(LOOK_EVERY_MS);
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
    // One of them does not answer yet.
    return false;
  } finally {
    await admin.disconnect();
  }
}

/** What an upgrade does: nothing fails, and everything was away once. */
export const ROLLING_RESTARTS: readonly FaultKind[] = [
  rollingRestart,
  rolling('rolling-kafka', KAFKA_NODES),
  rolling('rolling-mongodb', MONGODB_MEMBERS),
];
