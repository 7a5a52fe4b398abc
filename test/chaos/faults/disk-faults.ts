import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.js';
import type { FaultKind } from './fault.js';

const LOOK_EVERY_MS = 100;
const ENDED_WITHIN_MS = 15_000;

/**
 * The disk of one server fills up. Both Kafka and MongoDB end themselves when they can't write; the operator makes room, and starts them
 * again.
 * @param write has it write at once, where it might have room in what it has laid out already
 */
function fullDisk(name: string, subject: string, write: (cluster: Cluster) => Promise<void>): FaultKind {
  return {
    name,
    needs: 'small-disks',
    lastsMs: [3_000, 8_000],
    make: async (cluster) => {
      const disk = cluster.diskOf(subject);
      const server = cluster.servers.server(subject);
      let hasEnded = false;
      return Promise.resolve({
        subject,
        begin: async () => {
          // As it is now: one that ends while the disk fills is started again at once, and then has no room to begin in.
          const pid = cluster.pid(subject);
          await disk.fill();
          await write(cluster);
          hasEnded = await ended(cluster, pid);
          await server.kill();
        },
        end: async () => {
          // Also where filling failed, or it would be started beside itself.
          await server.kill();
          await disk.free();
          await server.start();
        },
        hadEffect: () => hasEnded,
      });
    },
  };
}

/** @returns whether it has, within a while */
async function ended(cluster: Cluster, pid: number): Promise<boolean> {
  const deadline = performance.now() + ENDED_WITHIN_MS;
  const runs = (): boolean => cluster.running().some((process) => process.pid === pid);
  while (runs() && performance.now() < deadline) await delay(LOOK_EVERY_MS);
  return !runs();
}

export const DISK_FAULTS: readonly FaultKind[] = [
  // It writes all the time.
  fullDisk('full-kafka-disk', 'Kafka-3', async () => Promise.resolve()),
  fullDisk('full-mongodb-disk', 'MongoDB-3', async (cluster) => cluster.checkpoint('MongoDB-3')),
];
