import type { ProcessRecord } from '../../dev/servers/process-records.js';
import { readProcessFigures, type ProcessFigures } from '../harness/process-figures.js';

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
    private readonly figuresOf: (pid: number) => Promise<ProcessFigures | undefined> = readProcessFigures,
  ) {}

  /** Takes a sample; the first one is the start of the CPU time. */
  async sample(): Promise<ProcessSample> {
    const sample: Record<string, ProcessSample[string]> = {};
    await Promise.all(
      this.running().map(async ({ name, pid }) => {
        const figures = await this.figuresOf(pid);
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
