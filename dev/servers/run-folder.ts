import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineProcesses, type ProcessTable } from '../machine/process-table.js';
import { ProcessRecords } from './process-records.js';

/**
 * Creates a temporary folder for the data of one run of a tool. First removes those of runs that were killed and could not remove
 * theirs, and kills the processes that still use them: without its servers, an app drains until its time limit ends.
 * @param tool the first part of the folder's name, such as `orders-compare`; the pid of this process follows
 */
export async function makeRunFolder(
  tool: string,
  parent = tmpdir(),
  processes: ProcessTable = machineProcesses,
): Promise<string> {
  for (const name of await readdir(parent)) {
    const pid = new RegExp(`^${tool}-(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || processes.identityOf(Number(pid)) !== undefined) continue;
    const folder = join(parent, name);
    for (const left of new ProcessRecords(folder, processes).running()) processes.signal(left.pid, 'SIGKILL');
    await removeRunFolder(folder);
  }
  return mkdtemp(join(parent, `${tool}-${process.pid}-`));
}

/** Removes a folder with retries: a server that was just killed may still write to it. */
export async function removeRunFolder(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
