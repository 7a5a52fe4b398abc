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
