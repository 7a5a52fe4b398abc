import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isErrno } from '../../dev/machine/process-table.js';

/**
 * Returns the processes, except this one, that use a folder: their command line contains it (dockerd, containerd and its
 * shims), or their root is in it (a chroot).
 */
export function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => {
      const commandLine = orEmpty(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      const root = orEmpty(() => readlinkSync(`/proc/${pid}/root`));
      return commandLine.includes(`${folder}/`) || `${root}/`.startsWith(`${folder}/`);
    })
    .map(Number);
}

/** Returns the mount points inside a folder, innermost first, which is the order for unmounting. */
export function mountPointsIn(folder: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[1] ?? [])
    .filter((mountPoint) => mountPoint.startsWith(`${folder}/`))
    .toReversed();
}

/** Returns an empty text if `read` fails: processes end while /proc is read, and even root can't read all of them. */
function orEmpty(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].some((code) => isErrno(error, code))) return '';
    throw error;
  }
}
