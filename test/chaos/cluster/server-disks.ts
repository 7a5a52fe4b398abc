import { join } from 'node:path';
import { SmallDisk } from './small-disk.js';

/** Servers that have a disk of their own, where the machine lets one be made, and its size in MiB: enough for as many orders as the next line says. */
const SMALL_DISKS = new Map([
  ['Kafka-3', 2_048],
  ['MongoDB-3', 6_144],
]);
const ROOM_FOR = 3_200_000;

/** By the servers whose disks they are. */
export type ServerDisks = ReadonlyMap<string, SmallDisk>;

/** Made before the servers that write to them start. @returns none where this machine does not let all of them be made */
export async function serverDisks(directory: string, orders: number): Promise<ServerDisks> {
  const disks = new Map<string, SmallDisk>();
  for (const [name, mib] of SMALL_DISKS) {
    const size = Math.ceil(mib * Math.max(1, orders / ROOM_FOR));
    const disk = await SmallDisk.at(join(directory, name.toLowerCase()), size);
    if (disk === undefined) break;
    disks.set(name, disk);
  }
  if (disks.size === SMALL_DISKS.size) return disks;
  for (const disk of disks.values()) await disk.remove();
  return new Map();
}
