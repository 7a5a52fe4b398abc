import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineProcesses, type ProcessTable } from '../machine/process-table.js';

/** Followed by the pid of the process that created the folder. */
const PREFIX = 'orders-compare-';

/**
 * Creates a temporary folder for the data of one comparison. First removes those of comparisons that were killed and could not
 * remove theirs.
 */
export async function makeComparisonFolder(
  parent = tmpdir(),
  processes: Pick<ProcessTable, 'identityOf'> = machineProcesses,
): Promise<string> {
  for (const name of await readdir(parent)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && processes.identityOf(Number(pid)) === undefined) await removeFolder(join(parent, name));
  }
  return mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
}

/** Removes a folder with retries: a server that was just killed may still write to it. */
export async function removeFolder(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
