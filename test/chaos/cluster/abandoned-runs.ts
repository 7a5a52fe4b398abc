import { execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DataDirectory } from '../../../dev/servers/data-directory.js';
import { machineProcesses } from '../../../dev/machine/process-table.js';
import { judgeLock } from '../../../dev/machine/pid-lock.js';
import { smallDisksBelow } from './small-disk.js';

/** Where a run's data are, as `mkdtemp` wants it. */
export const RUN_PREFIX = 'orders-chaos-';

/**
 * Removes what runs left that were killed: processes, and gigabytes, some of them in memory.
 */
export async function removeAbandonedRuns(temporary: string, print: (line: string) => void): Promise<void> {
  for (const name of await readdir(temporary)) {
    const directory = join(temporary, name);
    if (!name.startsWith(RUN_PREFIX) || !(await isAbandoned(directory))) continue;
    print(`removing what a run left that was killed: ${directory}`);
    try {
      // Takes the folder, and ends what still runs on it.
      (await DataDirectory.open(directory, print)).close();
      for (const disk of await smallDisksBelow(`${directory}/`)) await promisify(execFile)('umount', ['-l', disk]);
      await rm(directory, { recursive: true, force: true });
    } catch (error) {
      print(`not all of it can be removed: ${String(error)}`);
    }
  }
}

async function isAbandoned(directory: string): Promise<boolean> {
  try {
    return judgeLock(await readFile(join(directory, 'stack.lock'), 'utf8'), machineProcesses) === 'stale';
  } catch {
    // It has none yet, or any more: somebody is about to begin there, or has kept it.
    return false;
  }
}
