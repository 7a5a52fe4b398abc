import { readFile } from 'node:fs/promises';
import { isErrno } from '../../dev/machine/process-table.js';

/** What the kernel knows of a running process. */
export interface ProcessFigures {
  readonly rssMiB: number;
  /** The most that ever was resident (`VmHWM`): no peak between two looks is missed. */
  readonly peakRssMiB: number;
  /** User and system time since its start. */
  readonly cpuSeconds: number;
}

/** Of /proc: the same on all of Linux, whatever the kernel's own ticks are. */
const TICKS_PER_SECOND = 100;
const KIB_PER_MIB = 1024;

/** @returns undefined when there is no such process any more */
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

/** @param status the text of /proc/PID/status. @param stat that of /proc/PID/stat. @returns undefined for a process that has ended */
export function parseProcessFigures(status: string, stat: string): ProcessFigures | undefined {
  const kibOf = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  // The name in parentheses may itself hold spaces and parentheses, so fields are counted from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const figures = {
    rssMiB: kibOf('VmRSS') / KIB_PER_MIB,
    peakRssMiB: kibOf('VmHWM') / KIB_PER_MIB,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
  return Object.values(figures).every(Number.isFinite) ? figures : undefined;
}
