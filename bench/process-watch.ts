import { readFile } from 'node:fs/promises';
import { isErrno } from '../dev/machine/processes.js';
import type { ProcessRecord } from '../dev/servers/data-directory.js';

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

/** Reads the figures of a process. @throws Error when it has ended */
export async function figuresOf(pid: number): Promise<ProcessFigures> {
  const figures = await readProcessFigures(pid);
  if (figures === undefined) throw new Error(`the process ${pid} has ended`);
  return figures;
}

/** Figures of each process in one sample, by name, such as `consumer-1`. */
export type ProcessSample = Readonly<Record<string, Pick<ProcessFigures, 'rssMiB' | 'cpuSeconds'>>>;

/** Totals of a process so far. */
export interface ProcessTotal {
  readonly name: string;
  readonly peakRssMiB: number;
  /** Since the first sample, including the processes that it replaced. */
  readonly cpuSeconds: number;
  /** How often the stack has restarted the process. */
  readonly restarts: number;
}

interface KnownProcess {
  readonly name: string;
  readonly cpuBefore: number;
  figures: ProcessFigures;
}

/** Name prefixes in the order of the data path. */
const DATA_PATH = ['producer', 'consumer-', 'Kafka', 'MongoDB'];

/** Samples the processes of a stack, and keeps the figures of processes that have ended. */
export class ProcessWatch {
  private readonly known = new Map<number, KnownProcess>();
  private hasSampled = false;

  constructor(
    private readonly running: () => readonly Pick<ProcessRecord, 'name' | 'pid'>[],
    private readonly read: (pid: number) => Promise<ProcessFigures | undefined> = readProcessFigures,
  ) {}

  /** Takes a sample; the first one is the start of the CPU time. */
  async sample(): Promise<ProcessSample> {
    const sample: Record<string, ProcessSample[string]> = {};
    await Promise.all(
      this.running().map(async ({ name, pid }) => {
        const figures = await this.read(pid);
        if (figures === undefined) return;
        this.note(name, pid, figures);
        sample[name] = { rssMiB: figures.rssMiB, cpuSeconds: this.cpuSecondsOf(name) };
      }),
    );
    this.hasSampled = true;
    return sample;
  }

  /** Returns the totals in the order of the data path, other processes last. */
  totals(): ProcessTotal[] {
    const names = new Set([...this.known.values()].map(({ name }) => name));
    return [...names].toSorted(byDataPath).map((name) => {
      const own = this.processesNamed(name);
      return {
        name,
        peakRssMiB: Math.max(...own.map(({ figures }) => figures.peakRssMiB)),
        cpuSeconds: this.cpuSecondsOf(name),
        restarts: own.length - 1,
      };
    });
  }

  private note(name: string, pid: number, figures: ProcessFigures): void {
    const known = this.known.get(pid);
    if (known !== undefined) known.figures = figures;
    // A process that appears after the first sample started during the run, so all its CPU time counts.
    else this.known.set(pid, { name, figures, cpuBefore: this.hasSampled ? 0 : figures.cpuSeconds });
  }

  private cpuSecondsOf(name: string): number {
    return this.processesNamed(name).reduce((sum, { figures, cpuBefore }) => sum + figures.cpuSeconds - cpuBefore, 0);
  }

  private processesNamed(name: string): KnownProcess[] {
    return [...this.known.values()].filter((each) => each.name === name);
  }
}

function byDataPath(a: string, b: string): number {
  return dataPathIndex(a) - dataPathIndex(b) || a.localeCompare(b);
}

function dataPathIndex(name: string): number {
  const index = DATA_PATH.findIndex((start) => name.startsWith(start));
  return index < 0 ? DATA_PATH.length : index;
}
