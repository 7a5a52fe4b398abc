import { readFileSync } from 'node:fs';
import { Hundredths, type Measurement, type Sample } from '../measurement.js';

const KIB_PER_MIB = 1024;
const SAMPLE_MS = 1_000;

/** Measures its own process from the first record to the last. */
export class Meter {
  /** Resolves when all expected records are completed. */
  readonly done: Promise<void>;
  private readonly finish: () => void;
  private readonly hundredths: Hundredths;
  private readonly samples: Sample[] = [];
  private count = 0;
  private startedAt: number | undefined;
  private cpuAtStart = process.cpuUsage();

  /** @param expected number of records to complete */
  constructor(readonly expected: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.finish = resolve;
    this.hundredths = new Hundredths(expected);
  }

  get finishedRecords(): number {
    return this.count;
  }

  /** Starts the clock at the first record; later calls do nothing. */
  begin(): void {
    if (this.startedAt !== undefined) return;
    this.startedAt = performance.now();
    this.cpuAtStart = process.cpuUsage();
    setInterval(() => this.sample(), SAMPLE_MS).unref();
  }

  /** Counts completed records. The measurement ignores records beyond the expected number. */
  finished(records = 1): void {
    this.count += records;
    this.hundredths.note(this.count, this.elapsed());
    if (this.hundredths.isComplete) this.finish();
  }

  /** Returns the measurement. @throws Error when no record has arrived */
  measurement(): Measurement {
    if (this.startedAt === undefined) throw new Error('no record arrived');
    this.sample();
    const { user, system } = process.cpuUsage(this.cpuAtStart);
    return {
      records: Math.min(this.count, this.expected),
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

/** Uses the kernel's high-water mark on Linux: the maximum of `getrusage` can be that of the parent process. */
function peakRssMiB(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS / KIB_PER_MIB;
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kib) / KIB_PER_MIB;
}
