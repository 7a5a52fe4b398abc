import { cpus, loadavg, release, totalmem } from 'node:os';
import { execFileSync } from 'node:child_process';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { mkdir, statfs } from 'node:fs/promises';
import { StackError, ALTERNATIVES } from '../stack-error.js';

/** The machine that the figures were measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** The load average of the minute before the start. */
  readonly loadAverage: number;
}

export function describeMachine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${process.platform} ${process.arch} ${release()}`,
    node: process.version,
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** Returns whether the load is above half of the cores, which would distort the measurement. */
export function isBusy({ loadAverage, cores }: Machine): boolean {
  return loadAverage > 0.5 * cores;
}

/** Returns the measured commit, followed by `+changes` if files differ from it; `unknown` outside of a clone. */
export function currentCommit(): string {
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '+changes');
  } catch (error) {
    if (error instanceof Error) return 'unknown';
    throw error;
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: PROJECT_DIRECTORY,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

const MIB = 1024 * 1024;

/**
 * Rejects a disk that is too small for Kafka and MongoDB. Both would soon fail there, with messages that don't give the reason.
 * @throws StackError `disk-full`
 */
export async function requireFreeSpace(directory: string, neededMiB: number, purpose: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const { bavail, bsize } = await statfs(directory);
  const shortage = describeShortage((bavail * bsize) / MIB, neededMiB, directory, purpose);
  if (shortage !== undefined) throw shortage;
}

/** Returns the error for this much free space in MiB, or undefined when it is enough. */
export function describeShortage(
  freeMiB: number,
  neededMiB: number,
  directory: string,
  purpose: string,
): StackError | undefined {
  if (freeMiB >= neededMiB) return undefined;
  return new StackError(
    'disk-full',
    `The disk of ${directory} has ${Math.floor(freeMiB)} MiB free; ${purpose} needs ${neededMiB} MiB.`,
    `Free some space, or choose another disk: --data DIR for the data, ORDERS_CACHE_DIR for the fetched parts. ${ALTERNATIVES}`,
  );
}
