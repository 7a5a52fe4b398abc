import { execFileSync } from 'node:child_process';
import { readFileSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

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

/** The holder of a lock: enough to distinguish a live process from a crashed one. */
interface LockHolder {
  readonly pid: number;
  readonly identity: string;
}

/** Interprets the text of a lock file: `stale` when its holder crashed (or was killed while writing it). */
export function judgeLock(text: string, processes: ProcessTable): 'stale' | LockHolder {
  const holder = parseHolder(text);
  if (holder === undefined) return 'stale';
  return processes.identityOf(holder.pid) === holder.identity ? holder : 'stale';
}

/**
 * A lock file that names its holder. Unlike flock it needs no native code; unlike a bare pid file it survives the reuse of pids.
 * The lock of a crashed holder is taken over.
 */
export class PidLock {
  private constructor(private readonly path: string) {}

  /** Acquires the lock, or returns the live process that holds it. */
  static acquire(path: string, processes: ProcessTable): PidLock | LockHolder {
    mkdirSync(dirname(path), { recursive: true });
    const identity = processes.identityOf(process.pid);
    if (identity === undefined) throw new Error('This process is not in the process table');
    const mine = `${path}.${process.pid}`;
    for (;;) {
      // Written to another file and then linked, so that no process ever reads a partial lock file.
      writeFileSync(mine, JSON.stringify({ pid: process.pid, identity } satisfies LockHolder));
      try {
        linkSync(mine, path);
        return new PidLock(path);
      } catch (error) {
        if (!isErrno(error, 'EEXIST')) throw error;
      } finally {
        rmSync(mine, { force: true });
      }
      const holder = removeIfStale(path, processes);
      if (holder !== undefined) return holder;
    }
  }

  /** Waits while a live process holds the lock; calls `onWait` once with that process. */
  static async wait(path: string, processes: ProcessTable, onWait: (holder: LockHolder) => void): Promise<PidLock> {
    for (let reported = false; ; reported = true) {
      const lock = PidLock.acquire(path, processes);
      if (lock instanceof PidLock) return lock;
      if (!reported) onWait(lock);
      await delay(200);
    }
  }

  release(): void {
    rmSync(this.path, { force: true });
  }
}

/**
 * Returns the live holder, or removes the lock of a dead one. The lock file is renamed before it is judged again: of two
 * processes that find the same stale lock, only one can rename it. A process that renamed a live lock puts it back.
 */
function removeIfStale(path: string, processes: ProcessTable): LockHolder | undefined {
  const seen = readIfExists(path);
  if (seen === undefined) return undefined;
  const judged = judgeLock(seen, processes);
  if (judged !== 'stale') return judged;
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  const moved = judgeLock(readFileSync(aside, 'utf8'), processes);
  if (moved !== 'stale') linkSync(aside, path);
  rmSync(aside, { force: true });
  return moved === 'stale' ? undefined : moved;
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('identity' in value)) return undefined;
    const { pid, identity } = value;
    return typeof pid === 'number' && typeof identity === 'string' ? { pid, identity } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
