/** One look at a contender while it ran. */
export interface Sample {
  /** Milliseconds since its first record. */
  readonly atMs: number;
  readonly rssMiB: number;
  /** Records finished until then. */
  readonly finished: number;
}

/** What the process of a contender measured of itself, from its first record to its last. */
export interface Measurement {
  /** Records finished. Fewer than wanted where a contender ended because nothing moved any more. */
  readonly records: number;
  /**
   * Milliseconds since the first record at which each hundredth of the wanted records was finished: `marks[0]` is 0, and
   * `marks[100]` the end. Shorter where it ended before that.
   */
  readonly marks: readonly number[];
  /** User and system time, without the start of the process. */
  readonly cpuSeconds: number;
  /** The most that ever was resident, the start of the process included. */
  readonly peakRssMiB: number;
  /** One each second. */
  readonly samples: readonly Sample[];
}

/**
 * Records per second between two hundredths of the way, such as 10 and 70 for the steady middle, 0 and 100 for the whole.
 * @throws RangeError where the contender didn't come that far
 */
export function ratePerSecond({ marks, records }: Measurement, from: number, to: number): number {
  const [start, end] = [marks[from], marks[to]];
  if (start === undefined || end === undefined || end <= start)
    throw new RangeError(`no rate from ${from} % to ${to} %: the run ended at ${marks.length - 1} %`);
  return ((to - from) / 100) * records * (1_000 / (end - start));
}
