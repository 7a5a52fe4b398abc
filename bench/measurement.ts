import { median, type Run } from './result.js';

/** One sample of a running contender. */
export interface Sample {
  /** Milliseconds since its first record. */
  readonly atMs: number;
  readonly rssMiB: number;
  /** Records completed so far. */
  readonly finished: number;
}

/** What a contender's process measured about itself, from its first record to its last. */
export interface Measurement {
  /** Records completed. Fewer than expected when the contender ended because it made no progress. */
  readonly records: number;
  /**
   * Milliseconds from the first record to the completion of each hundredth of the expected records: `marks[0]` is 0, `marks[100]` the end.
   * Shorter when the contender ended earlier.
   */
  readonly marks: readonly number[];
  /** User and system time, without process start-up. */
  readonly cpuSeconds: number;
  /** Peak resident memory, including process start-up. */
  readonly peakRssMiB: number;
  /** One sample per second. */
  readonly samples: readonly Sample[];
}

/**
 * Returns the records per second between two hundredths of a run, such as 10 and 70 for the steady middle, 0 and 100 for the whole.
 * @throws RangeError when the run ended earlier
 */
export function ratePerSecond({ marks, records }: Measurement, from: number, to: number): number {
  const [start, end] = [marks[from], marks[to]];
  if (start === undefined || end === undefined || end <= start)
    throw new RangeError(`no rate from ${from} % to ${to} %: the run ended at ${marks.length - 1} %`);
  return ((to - from) / 100) * records * (1_000 / (end - start));
}

/** Records when each hundredth of the expected records was completed. */
export class Hundredths {
  /** Milliseconds since the first record; the first mark is 0. */
  readonly marks: number[] = [0];
  private next: number;

  /** @param expected number of records */
  constructor(private readonly expected: number) {
    this.next = expected / 100;
  }

  get isComplete(): boolean {
    return this.marks.length > 100;
  }

  /** @param finished records completed so far, in total. @param elapsedMs milliseconds since the first record */
  note(finished: number, elapsedMs: number): void {
    while (finished >= this.next && !this.isComplete) {
      this.marks.push(elapsedMs);
      this.next = (this.expected * this.marks.length) / 100;
    }
  }
}

/** How constant memory stayed after the warm-up. */
export interface Flatness {
  /** Median of the first window after the warm-up, in MiB: the baseline. */
  readonly base: number;
  readonly highest: number;
  readonly lowest: number;
}

/** Samples in the first window. */
const WINDOW = 5;

/** Computes the flatness. @param warmUp number of records before which samples are ignored. @throws RangeError when no sample is left */
export function flatnessOf(samples: readonly Sample[], warmUp: number): Flatness {
  const counted = samples.filter(({ finished }) => finished >= warmUp).map(({ rssMiB }) => rssMiB);
  if (counted.length === 0) throw new RangeError(`no sample after the warm-up of ${warmUp} records`);
  return { base: median(counted.slice(0, WINDOW)), highest: Math.max(...counted), lowest: Math.min(...counted) };
}

/** With fewer samples the quarters are too short. */
const MIN_SAMPLES = 16;

/**
 * Divides the median of the last quarter of a run by that of the second: 1.1 means 10 % more. Steady growth gives more than 1 even in a
 * short run. The first quarter is ignored: in it V8 compiles and the heap reaches its size.
 * @param rssMiB one sample per second
 * @returns undefined for a run that is too short
 */
export function lastQuarterAgainstSecond(rssMiB: readonly number[]): number | undefined {
  if (rssMiB.length < MIN_SAMPLES) return undefined;
  const quarter = Math.floor(rssMiB.length / 4);
  return median(rssMiB.slice(-quarter)) / median(rssMiB.slice(quarter, 2 * quarter));
}

/** Converts a measurement to an entry of the report. */
export function runOf(contender: string, value: number, { peakRssMiB, cpuSeconds }: Measurement): Run {
  return { contender, value, peakRssMiB, cpuSeconds };
}
