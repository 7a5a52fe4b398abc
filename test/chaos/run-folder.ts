import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { judgeLock, machineProcesses } from '../../dev/machine/processes.js';
import { removeRunFolder, DataDirectory } from '../../dev/servers/data-directory.js';
import { smallDisksBelow } from './cluster/small-disk.js';

const PREFIX = 'orders-chaos-';

/**
 * Works in a new folder for the data of a run, which is removed at the end, as is before what killed runs left. The first interruption aborts the
 * signal, for a run that still drains the pipeline and judges the result; the second one ends the process.
 */
export async function inRunFolder<T>(
  { print, keep = false }: { readonly print: (line: string) => void; readonly keep?: boolean | undefined },
  work: (directory: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (interrupted.signal.aborted) process.exit(130);
      print('interrupted: no new faults begin; interrupt again to exit at once');
      interrupted.abort();
    });
  for (const name of await readdir(tmpdir())) if (name.startsWith(PREFIX)) await removeAbandoned(name, print);
  const directory = await mkdtemp(join(tmpdir(), PREFIX));
  try {
    return await work(directory, interrupted.signal);
  } finally {
    if (keep) print(`data and logs: ${directory}`);
    else await removeRunFolder(directory);
  }
}

/** Removes what a killed run left: its processes and gigabytes of data, some of it in memory. */
async function removeAbandoned(name: string, print: (line: string) => void): Promise<void> {
  const directory = join(tmpdir(), name);
  // Without a lock, a run is about to begin there, or the data were kept.
  const lock = await readFile(join(directory, 'stack.lock'), 'utf8').catch(() => undefined);
  if (lock === undefined || judgeLock(lock, machineProcesses) !== 'stale') return;
  print(`removing the data of a killed run: ${directory}`);
  try {
    // Opening the folder takes its lock and ends the processes that still use it.
    (await DataDirectory.open(directory, print)).close();
    for (const disk of await smallDisksBelow(`${directory}/`)) await promisify(execFile)('umount', ['-l', disk]);
    await removeRunFolder(directory);
  } catch (error) {
    print(`removing failed: ${String(error)}`);
  }
}
