import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { machineProcesses } from '../../dev/machine/process-table.js';
import { ComposeTestError } from './compose-test-error.js';
import { mountPointsIn, processesIn } from './folder-users.js';
import { createDockerClient } from './private-engine.js';
import type { RunDirectory } from './run-directory.js';
import { until } from './until.js';

const EMPTY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;
const KILLED_WITHIN_MS = 10_000;

/**
 * Ends a run's engine and all other processes in its folder, and removes the folder. Works in any state: after a finished
 * run, after a failed one, and after a killed one.
 * @throws ComposeTestError `not-removed`
 */
export async function removeRun(directory: RunDirectory): Promise<void> {
  const engine = enginePid(directory);
  if (engine !== undefined) {
    await emptyEngine(directory);
    machineProcesses.signal(engine, 'SIGTERM');
  }
  await endProcesses(directory.path, engine === undefined ? 0 : STOP_WITHIN_MS);
  for (const mountPoint of mountPointsIn(directory.path)) await promisify(execFile)('umount', [mountPoint]);
  // Remaining mounts may be the machine's own (a chroot's /proc or /sys), which must never be deleted through this folder.
  const mounted = mountPointsIn(directory.path);
  if (mounted.length > 0) throw new ComposeTestError('not-removed', `Unmount by hand: ${mounted.join(' ')}`);
  await rm(directory.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** Returns the pid in the engine's file, if it still belongs to the engine. */
function enginePid(directory: RunDirectory): number | undefined {
  const pidFile = directory.file('docker.pid');
  if (!existsSync(pidFile)) return undefined;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  return processesIn(directory.path).includes(pid) ? pid : undefined;
}

/** Removes containers and networks through the engine: when it ends, it would leave the bridges of its networks on the machine. */
async function emptyEngine(directory: RunDirectory): Promise<void> {
  const docker = createDockerClient(directory);
  const signal = AbortSignal.timeout(EMPTY_WITHIN_MS);
  try {
    const containers = (await docker.run(['ps', '--all', '--quiet'], { signal })).split('\n').filter(Boolean);
    if (containers.length > 0) await docker.run(['rm', '--force', '--volumes', ...containers], { signal });
    await docker.run(['network', 'prune', '--force'], { signal });
  } catch (error) {
    // A hung engine must be ended all the same.
    console.log(`The engine could not be emptied: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function endProcesses(folder: string, withinMs: number): Promise<void> {
  const uninterrupted = new AbortController().signal;
  const ended = (): Promise<true | undefined> => Promise.resolve(processesIn(folder).length === 0 || undefined);
  try {
    await until('The engine ends', withinMs, uninterrupted, ended);
  } catch (error) {
    if (!(error instanceof ComposeTestError)) throw error;
    for (const pid of processesIn(folder)) machineProcesses.signal(pid, 'SIGKILL');
    await until(`All processes in ${folder} end`, KILLED_WITHIN_MS, uninterrupted, ended);
  }
}
