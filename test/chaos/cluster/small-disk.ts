import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const BALLAST = 'ballast';
const MOST_PIECES = 5;

/** Mounted below a folder and its like by a run that was killed since. Linux only: elsewhere there are none. */
export async function smallDisksBelow(prefix: string): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  return mounts.flatMap(([, directory, type]) =>
    type === 'tmpfs' && directory?.startsWith(prefix) === true ? [directory] : [],
  );
}

/** A disk of its own for one folder, in memory, that can be filled. Linux only, and for root. */
export class SmallDisk {
  private constructor(private readonly directory: string) {}

  /** @returns `undefined` where this machine does not let one be made */
  static async at(directory: string, mib: number): Promise<SmallDisk | undefined> {
    await mkdir(directory, { recursive: true });
    try {
      await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', directory]);
      return new SmallDisk(directory);
    } catch {
      // Not root, not Linux, or in a container without the right to: the faults that need it are told as left out.
      return undefined;
    }
  }

  /** To the last page: what its server frees meanwhile, too. By `fallocate`, since writing gigabytes of zeros takes a minute. */
  async fill(): Promise<void> {
    for (let piece = 0; piece < MOST_PIECES; piece += 1) {
      const { bavail, bsize } = await statfs(this.directory);
      if (bavail === 0) return;
      const file = join(this.directory, `${BALLAST}-${piece}`);
      // Somebody else may have taken some of it since: then the next piece is smaller.
      await Promise.allSettled([promisify(execFile)('fallocate', ['-l', String(bavail * bsize), file])]);
    }
    const { bavail, bsize } = await statfs(this.directory);
    if (bavail > 0) throw new Error(`${this.directory} can't be filled: ${bavail * bsize} bytes are free`);
  }

  async free(): Promise<void> {
    for (let piece = 0; piece < MOST_PIECES; piece += 1)
      await rm(join(this.directory, `${BALLAST}-${piece}`), { force: true });
  }

  /** What lies on it is gone then. */
  async remove(): Promise<void> {
    // At once, also if somebody still looks into it.
    await promisify(execFile)('umount', ['-l', this.directory]);
  }
}
