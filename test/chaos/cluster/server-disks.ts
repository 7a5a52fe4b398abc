import { join } from 'node:path';
import { SmallDisk } from './small-disk.js';

/** Servers with a disk of their own and its size in MiB, which is enough for `ROOM_FOR` orders. */
const SMALL_DISKS = new Map([
  ['Kafka-3', 2_048],
  ['MongoDB-3', 6_144],
]);
const ROOM_FOR = 3_200_000;

/** Disks by server name. */
export type ServerDisks = ReadonlyMap<string, SmallDisk>;

/** Creates the disks; call it before the servers start. @returns no disks if this machine does not support them all */
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
