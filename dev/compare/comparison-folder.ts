import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineProcesses, type ProcessTable } from '../machine/process-table.js';

/** Followed by the pid of whoever made it. */
const PREFIX = 'orders-compare-';

/**
 * A folder for the data of one comparison, among the temporary ones. Those of comparisons that were killed, and so could not remove theirs, go
 * first.
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

/** Again and again for a while: a server that was just killed may still write. */
export async function removeFolder(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
