import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const BALLAST = 'ballast';
const MAX_PIECES = 5;

/** Lists the small disks whose path begins with `prefix`, which a killed run left mounted. Returns none except on Linux. */
export async function smallDisksBelow(prefix: string): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  return mounts.flatMap(([, directory, type]) =>
    type === 'tmpfs' && directory?.startsWith(prefix) === true ? [directory] : [],
  );
}

/** A disk in memory (tmpfs) for one folder, which can be filled. Needs Linux and root. */
export class SmallDisk {
  private constructor(private readonly directory: string) {}

  /** @returns `undefined` if this machine does not allow the mount */
  static async at(directory: string, mib: number): Promise<SmallDisk | undefined> {
    await mkdir(directory, { recursive: true });
    try {
      await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', directory]);
      return new SmallDisk(directory);
    } catch {
      // Not root, not Linux, or a container without the privilege: the report lists the faults that need the disk as unsupported.
      return undefined;
    }
  }

  /**
   * Fills the disk completely, including space that the server frees meanwhile. Uses `fallocate`: writing gigabytes of zeros takes a
   * minute.
   */
  async fill(): Promise<void> {
    for (let piece = 0; piece < MAX_PIECES; piece += 1) {
      const { bavail, bsize } = await statfs(this.directory);
      if (bavail === 0) return;
      const file = join(this.directory, `${BALLAST}-${piece}`);
      // The server may have used some of the space since: then the next piece is smaller.
      await Promise.allSettled([promisify(execFile)('fallocate', ['-l', String(bavail * bsize), file])]);
    }
    const { bavail, bsize } = await statfs(this.directory);
    if (bavail > 0) throw new Error(`${this.directory} can't be filled: ${bavail * bsize} bytes are free`);
  }

  async free(): Promise<void> {
    for (let piece = 0; piece < MAX_PIECES; piece += 1)
      await rm(join(this.directory, `${BALLAST}-${piece}`), { force: true });
  }

  /** Unmounts the disk and loses its content. */
  async remove(): Promise<void> {
    // Lazy unmount (`-l`) also works while a process still uses the disk.
    await promisify(execFile)('umount', ['-l', this.directory]);
  }
}

/** Servers with a disk of their own and its size in MiB, which is enough for `ROOM_FOR` orders. */
const SMALL_DISKS = new Map([
  ['Kafka-3', 2_048],
  ['MongoDB-3', 6_144],
]);
const ROOM_FOR = 3_200_000;

/** Creates the disks; call it before the servers start. @returns them by server name; none if this machine does not support them all */
export async function serverDisks(directory: string, orders: number): Promise<ReadonlyMap<string, SmallDisk>> {
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
