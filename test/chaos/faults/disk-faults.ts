import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.js';
import type { FaultKind } from './fault.js';

const LOOK_EVERY_MS = 100;
const ENDED_WITHIN_MS = 15_000;

/**
 * The disk of one server fills up. Both Kafka and MongoDB end themselves when they can't write; the operator makes room, and starts them
 * again.
 */
function fullDisk(name: string, subject: string): FaultKind {
  return {
    name,
    needs: 'small-disks',
    lastsMs: [3_000, 8_000],
    make: async (cluster) => {
      const disk = cluster.diskOf(subject);
      const server = cluster.servers.server(subject);
      return Promise.resolve({
        subject,
        begin: async () => {
          // As it is now: one that ends while the disk fills is started again at once, and then has no room to begin in.
          const pid = cluster.pid(subject);
          await disk.fill();
          await ended(cluster, subject, pid);
          await server.kill();
        },
        end: async () => {
          // Also of one that did not end, or else it would be started beside itself.
          await server.kill();
          await disk.free();
          await server.start();
        },
      });
    },
  };
}

/** @throws Error of a server that runs on: its disk was not full then */
async function ended(cluster: Cluster, name: string, pid: number): Promise<void> {
  const deadline = performance.now() + ENDED_WITHIN_MS;
  while (cluster.running().some((process) => process.pid === pid)) {
    if (performance.now() > deadline) throw new Error(`${name} runs on with a full disk`);
    await delay(LOOK_EVERY_MS);
  }
}

export const DISK_FAULTS: readonly FaultKind[] = [
  fullDisk('full-kafka-disk', 'Kafka-3'),
  fullDisk('full-mongodb-disk', 'MongoDB-3'),
];
