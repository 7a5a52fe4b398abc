import { readFileSync } from 'node:fs';
import { Hundredths } from '../harness/hundredths.js';
import type { Measurement, Sample } from '../harness/measurement.js';

const KIB_PER_MIB = 1024;
const SAMPLE_MS = 1_000;

/** Measures the process that it runs in, from the first record to the last. */
export class Meter {
  /** Resolves when all wanted records are finished. */
  readonly done: Promise<void>;
  private readonly finish: () => void;
  private readonly hundredths: Hundredths;
  private readonly samples: Sample[] = [];
  private count = 0;
  private startedAt: number | undefined;
  private cpuAtStart = process.cpuUsage();

  /** @param wanted how many records are to be finished */
  constructor(readonly wanted: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.finish = resolve;
    this.hundredths = new Hundredths(wanted);
  }

  get finishedRecords(): number {
    return this.count;
  }

  /** A record is there: the first call starts the clock, all others do nothing. */
  begin(): void {
    if (this.startedAt !== undefined) return;
    this.startedAt = performance.now();
    this.cpuAtStart = process.cpuUsage();
    setInterval(() => this.sample(), SAMPLE_MS).unref();
  }

  /** That many more records are finished. What comes beyond the wanted ones isn't counted. */
  finished(records = 1): void {
    this.count += records;
    this.hundredths.note(this.count, this.elapsed());
    if (this.hundredths.isComplete) this.finish();
  }

  /** @throws Error when no record ever came */
  measurement(): Measurement {
    if (this.startedAt === undefined) throw new Error('no record came');
    this.sample();
    const { user, system } = process.cpuUsage(this.cpuAtStart);
    return {
      records: Math.min(this.count, this.wanted),
      marks: this.hundredths.marks,
      cpuSeconds: (user + system) / 1_000_000,
      peakRssMiB: peakRssMiB(),
      samples: this.samples,
    };
  }

  private sample(): void {
    const rssMiB = process.memoryUsage.rss() / KIB_PER_MIB ** 2;
    this.samples.push({ atMs: this.elapsed(), rssMiB, finished: this.count });
  }

  private elapsed(): number {
    return performance.now() - (this.startedAt ?? performance.now());
  }
}

/** On Linux by the kernel's high-water mark: the maximum of `getrusage` can be that of the process that started this one. */
function peakRssMiB(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS / KIB_PER_MIB;
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kib) / KIB_PER_MIB;
}
