import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineProcesses, type ProcessTable } from './process-table.js';

/**
 * Creates a temporary folder for the data of one run of a tool. First removes those of runs that were killed and could not remove
 * theirs.
 * @param tool the first part of the folder's name, such as `orders-compare`; the pid of this process follows
 */
export async function makeRunFolder(
  tool: string,
  parent = tmpdir(),
  processes: Pick<ProcessTable, 'identityOf'> = machineProcesses,
): Promise<string> {
  for (const name of await readdir(parent)) {
    const pid = new RegExp(`^${tool}-(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && processes.identityOf(Number(pid)) === undefined) await removeRunFolder(join(parent, name));
  }
  return mkdtemp(join(parent, `${tool}-${process.pid}-`));
}

/** Removes a folder with retries: a server that was just killed may still write to it. */
export async function removeRunFolder(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
