import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { machineProcesses } from '../../dev/machine/process-table.js';
import { ComposeTestError } from './compose-test-error.js';
import { mountPointsIn, processesIn } from './folder-users.js';
import { dockerOf } from './private-engine.js';
import type { RunDirectory } from './run-directory.js';
import { until } from './until.js';

const EMPTY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;
const KILLED_WITHIN_MS = 10_000;

/**
 * Ends a run's engine and whatever else works in its folder, and removes the folder. Meant for any state: a finished
 * run's, one that failed half-way, or one that was killed. Throws `not-removed`.
 */
export async function removeRun(directory: RunDirectory): Promise<void> {
  const engine = enginePid(directory);
  if (engine !== undefined) {
    await emptyEngine(directory);
    machineProcesses.signal(engine, 'SIGTERM');
  }
  await endProcesses(directory.path, engine === undefined ? 0 : STOP_WITHIN_MS);
  for (const mountPoint of mountPointsIn(directory.path)) await promisify(execFile)('umount', [mountPoint]);
  // What is still mounted may be the machine's own (a chroot's /proc or /sys): it must never be deleted through this folder.
  const mounted = mountPointsIn(directory.path);
  if (mounted.length > 0) throw new ComposeTestError('not-removed', `Unmount by hand: ${mounted.join(' ')}`);
  await rm(directory.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** The pid in the engine's file, if it is still the engine's. */
function enginePid(directory: RunDirectory): number | undefined {
  const pidFile = directory.file('docker.pid');
  if (!existsSync(pidFile)) return undefined;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  return processesIn(directory.path).includes(pid) ? pid : undefined;
}

/** An engine leaves the bridges of its networks on the machine when it ends, so they are removed through it before. */
async function emptyEngine(directory: RunDirectory): Promise<void> {
  const docker = dockerOf(directory);
  const signal = AbortSignal.timeout(EMPTY_WITHIN_MS);
  try {
    const containers = (await docker.run(['ps', '--all', '--quiet'], { signal })).split('\n').filter(Boolean);
    if (containers.length > 0) await docker.run(['rm', '--force', '--volumes', ...containers], { signal });
    await docker.run(['network', 'prune', '--force'], { signal });
  } catch (error) {
    // A hung engine has to go all the same.
    console.log(`The engine could not be emptied: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function endProcesses(folder: string, patienceMs: number): Promise<void> {
  const uninterrupted = new AbortController().signal;
  const ended = (): Promise<true | undefined> => Promise.resolve(processesIn(folder).length === 0 || undefined);
  try {
    await until('The engine ends', patienceMs, uninterrupted, ended);
  } catch (error) {
    if (!(error instanceof ComposeTestError)) throw error;
    for (const pid of processesIn(folder)) machineProcesses.signal(pid, 'SIGKILL');
    await until(`What works in ${folder} ends`, KILLED_WITHIN_MS, uninterrupted, ended);
  }
}
