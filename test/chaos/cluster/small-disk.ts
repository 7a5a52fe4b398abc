import { execFile } from 'node:child_process';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const BALLAST = 'ballast';
const PIECE_BYTES = 8 * 1024 * 1024;

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

  /** To the last byte. */
  async fill(): Promise<void> {
    const file = await open(join(this.directory, BALLAST), 'a');
    const piece = Buffer.alloc(PIECE_BYTES);
    try {
      for (;;) {
        const { bavail, bsize } = await statfs(this.directory);
        if (bavail === 0) return;
        await file.write(piece, 0, Math.min(PIECE_BYTES, bavail * bsize));
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(join(this.directory, BALLAST), { force: true });
  }

  /** What lies on it is gone then. */
  async remove(): Promise<void> {
    await promisify(execFile)('umount', [this.directory]);
  }
}
