import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The operations on the machine's processes that the lock and the cleanup of leftovers need. */
export interface ProcessTable {
  /**
   * Returns a text that no other process on this machine has or will have, or undefined when no such process runs.
   * A pid alone is not enough: after a crash or a reboot it may belong to another program.
   */
  identityOf(pid: number): string | undefined;
  /** Sends a signal. A process that has already ended is not an error. */
  signal(pid: number, signal: NodeJS.Signals): void;
}

export const machineProcesses: ProcessTable = {
  identityOf(pid) {
    return process.platform === 'linux' ? linuxIdentity(pid) : posixIdentity(pid);
  },
  signal: signalIfRunning,
};

/** Sends a signal. A process that has already ended is not an error. */
export function signalIfRunning(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

/**
 * Returns whether this is a system error with this code, such as `ENOENT`. It doesn't use `instanceof Error`: under Jest,
 * Node's own errors belong to another realm.
 */
export function isErrno(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

function linuxIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may itself contain spaces and parentheses, so fields are counted from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    const startTicks = fields[19];
    if (state === 'Z' || startTicks === undefined) return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${startTicks}`;
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}

function posixIdentity(pid: number): string | undefined {
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return started === '' ? undefined : started;
  } catch (error) {
    // ps exits with 1 when there is no such process. Any other failure, such as a missing ps, must be visible.
    if (typeof error === 'object' && error !== null && 'status' in error && error.status === 1) return undefined;
    throw error;
  }
}
