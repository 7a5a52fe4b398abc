import type { ProcessRecord } from '../../dev/servers/process-records.js';
import { readProcessFigures, type ProcessFigures } from '../harness/process-figures.js';

/** What each process had at one look, by its name, such as `consumer-1`. */
export type ProcessLook = Readonly<Record<string, Pick<ProcessFigures, 'rssMiB' | 'cpuSeconds'>>>;

/** What a process came to until now. */
export interface ProcessTotal {
  readonly name: string;
  readonly peakRssMiB: number;
  /** Since the first look, those of processes that it replaced included. */
  readonly cpuSeconds: number;
  /** How often another process took its place: it ended by itself, and the stack started it again. */
  readonly restarts: number;
}

interface Seen {
  readonly name: string;
  readonly cpuBefore: number;
  figures: ProcessFigures;
}

/** How their names begin. */
const PLACES = ['producer', 'consumer-', 'Kafka', 'MongoDB'];

/** Looks at the processes of a stack, and keeps what each had, also when it has ended since. */
export class ProcessWatch {
  private readonly seen = new Map<number, Seen>();
  private hasLooked = false;

  constructor(
    private readonly running: () => readonly Pick<ProcessRecord, 'name' | 'pid'>[],
    private readonly figuresOf: (pid: number) => Promise<ProcessFigures | undefined> = readProcessFigures,
  ) {}

  /** The first look is where CPU time begins. */
  async look(): Promise<ProcessLook> {
    const look: Record<string, ProcessLook[string]> = {};
    await Promise.all(
      this.running().map(async ({ name, pid }) => {
        const figures = await this.figuresOf(pid);
        if (figures === undefined) return;
        this.note(name, pid, figures);
        look[name] = { rssMiB: figures.rssMiB, cpuSeconds: this.cpuSecondsOf(name) };
      }),
    );
    this.hasLooked = true;
    return look;
  }

  /** The apps of the data path and then the servers, as an order meets them; what is beside it comes last. */
  totals(): ProcessTotal[] {
    const names = new Set([...this.seen.values()].map(({ name }) => name));
    return [...names].toSorted(byTheirPlace).map((name) => {
      const own = this.seenAs(name);
      return {
        name,
        peakRssMiB: Math.max(...own.map(({ figures }) => figures.peakRssMiB)),
        cpuSeconds: this.cpuSecondsOf(name),
        restarts: own.length - 1,
      };
    });
  }

  private note(name: string, pid: number, figures: ProcessFigures): void {
    const known = this.seen.get(pid);
    if (known !== undefined) known.figures = figures;
    // One that takes another's place began after the first look: all of its time belongs to the run.
    else this.seen.set(pid, { name, figures, cpuBefore: this.hasLooked ? 0 : figures.cpuSeconds });
  }

  private cpuSecondsOf(name: string): number {
    return this.seenAs(name).reduce((sum, { figures, cpuBefore }) => sum + figures.cpuSeconds - cpuBefore, 0);
  }

  private seenAs(name: string): Seen[] {
    return [...this.seen.values()].filter((seen) => seen.name === name);
  }
}

function byTheirPlace(a: string, b: string): number {
  return placeOf(a) - placeOf(b) || a.localeCompare(b);
}

function placeOf(name: string): number {
  const place = PLACES.findIndex((start) => name.startsWith(start));
  return place < 0 ? PLACES.length : place;
}
