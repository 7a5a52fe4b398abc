import { readFile } from 'node:fs/promises';
import { isErrno } from '../../dev/machine/process-table.js';

/** Memory and CPU time of a running process, from /proc. */
export interface ProcessFigures {
  readonly rssMiB: number;
  /** Peak resident memory (`VmHWM`): includes peaks between two samples. */
  readonly peakRssMiB: number;
  /** User and system time since its start. */
  readonly cpuSeconds: number;
}

/** Unit of /proc/PID/stat (USER_HZ): the same on all Linux systems, independent of the kernel's tick rate. */
const TICKS_PER_SECOND = 100;
const KIB_PER_MIB = 1024;

/** Reads the figures of a process. @returns undefined when the process has ended */
export async function readProcessFigures(pid: number): Promise<ProcessFigures | undefined> {
  try {
    const [status, stat] = await Promise.all(
      ['status', 'stat'].map(async (file) => readFile(`/proc/${pid}/${file}`, 'utf8')),
    );
    return parseProcessFigures(status ?? '', stat ?? '');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}

/**
 * Parses the figures of a process.
 * @param status text of /proc/PID/status
 * @param stat text of /proc/PID/stat
 * @returns undefined for a process that has ended
 */
export function parseProcessFigures(status: string, stat: string): ProcessFigures | undefined {
  const readKib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  // The name in parentheses may contain spaces and parentheses, so fields are counted from the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const figures = {
    rssMiB: readKib('VmRSS') / KIB_PER_MIB,
    peakRssMiB: readKib('VmHWM') / KIB_PER_MIB,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
  return Object.values(figures).every(Number.isFinite) ? figures : undefined;
}
