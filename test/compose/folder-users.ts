import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isErrno } from '../../dev/machine/process-table.js';

/**
 * The processes, but for this one, that a folder is in use by: it is in their command line (dockerd, containerd and its
 * shims) or it is their root (a chroot).
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

/** What is mounted inside a folder, innermost first, which is the order in which it can be unmounted. */
export function mountPointsIn(folder: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[1] ?? [])
    .filter((mountPoint) => mountPoint.startsWith(`${folder}/`))
    .toReversed();
}

/** Processes end while /proc is read, and not even root may look into every one. */
function orEmpty(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].some((code) => isErrno(error, code))) return '';
    throw error;
  }
}
