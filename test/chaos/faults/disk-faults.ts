import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.js';
import type { FaultKind } from './fault.js';

const POLL_INTERVAL_MS = 100;
const ENDED_WITHIN_MS = 15_000;

/**
 * Fills the disk of one server. Kafka and MongoDB exit when they can't write; the fault's end frees the disk and starts the server again,
 * as an operator would.
 * @param write makes the server write at once; otherwise it might still use space that it has preallocated
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
          // Read the pid first: a server that exits while the disk fills is restarted at once, and then fails for lack of space.
          const pid = cluster.pid(subject);
          await disk.fill();
          await write(cluster);
          hasEnded = await ended(cluster, pid);
          await server.kill();
        },
        end: async () => {
          // Kill it also after a failed fill: otherwise a second instance would start beside it.
          await server.kill();
          await disk.free();
          await server.start();
        },
        hadEffect: () => hasEnded,
      });
    },
  };
}

/** @returns whether the process has ended, after up to 15 s */
async function ended(cluster: Cluster, pid: number): Promise<boolean> {
  const deadline = performance.now() + ENDED_WITHIN_MS;
  const runs = (): boolean => cluster.running().some((process) => process.pid === pid);
  while (runs() && performance.now() < deadline) await delay(POLL_INTERVAL_MS);
  return !runs();
}

export const DISK_FAULTS: readonly FaultKind[] = [
  // Kafka writes all the time anyway.
  fullDisk('full-kafka-disk', 'Kafka-3', async () => Promise.resolve()),
  fullDisk('full-mongodb-disk', 'MongoDB-3', async (cluster) => cluster.checkpoint('MongoDB-3')),
];
