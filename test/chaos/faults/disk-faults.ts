import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.js';
import type { FaultKind } from './fault.js';

const LOOK_EVERY_MS = 100;

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
      return Promise.resolve({
        subject,
        begin: async () => {
          await disk.fill();
          await ended(cluster, subject);
          await cluster.servers.server(subject).kill();
        },
        end: async () => {
          await disk.free();
          await cluster.servers.server(subject).start();
        },
      });
    },
  };
}

/** @throws Error of a server that runs on: its disk was not full then */
async function ended(cluster: Cluster, name: string): Promise<void> {
  const { pid } = cluster.running().find((process) => process.name === name) ?? {};
  const deadline = performance.now() + 15_000;
  while (cluster.running().some((process) => process.pid === pid)) {
    if (performance.now() > deadline) throw new Error(`${name} runs on with a full disk`);
    await delay(LOOK_EVERY_MS);
  }
}

export const DISK_FAULTS: readonly FaultKind[] = [
  fullDisk('full-kafka-disk', 'Kafka-3'),
  fullDisk('full-mongodb-disk', 'MongoDB-3'),
];
