import { execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DataDirectory } from '../../../dev/servers/data-directory.js';
import { machineProcesses } from '../../../dev/machine/process-table.js';
import { judgeLock } from '../../../dev/machine/pid-lock.js';
import { smallDisksBelow } from './small-disk.js';

/** Prefix for `mkdtemp` of a run's data folder. */
export const RUN_PREFIX = 'orders-chaos-';

/** Removes what killed runs left: their processes and gigabytes of data, some of it in memory. */
export async function removeAbandonedRuns(temporary: string, print: (line: string) => void): Promise<void> {
  for (const name of await readdir(temporary)) {
    const directory = join(temporary, name);
    if (!name.startsWith(RUN_PREFIX) || !(await isAbandoned(directory))) continue;
    print(`removing the data of a killed run: ${directory}`);
    try {
      // Opening the folder takes its lock and ends the processes that still use it.
      (await DataDirectory.open(directory, print)).close();
      for (const disk of await smallDisksBelow(`${directory}/`)) await promisify(execFile)('umount', ['-l', disk]);
      await rm(directory, { recursive: true, force: true });
    } catch (error) {
      print(`removing failed: ${String(error)}`);
    }
  }
}

async function isAbandoned(directory: string): Promise<boolean> {
  try {
    return judgeLock(await readFile(join(directory, 'stack.lock'), 'utf8'), machineProcesses) === 'stale';
  } catch {
    // There is no lock: a run is about to begin there, or the data were kept.
    return false;
  }
}
