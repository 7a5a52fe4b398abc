/** Returns the median; for an even count the mean of the two middle values. @throws RangeError for no values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('median of no values');
  return (lower + upper) / 2;
}

/** Returns a percentile by the nearest-rank method; 100 is the largest value. @throws RangeError for no values */
export function percentile(values: readonly number[], part: number): number {
  const value = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil((part / 100) * values.length)) - 1];
  if (value === undefined) throw new RangeError('percentile of no values');
  return value;
}

/** Returns the range of the values divided by their median: 0.15 is 15 %. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** Ratios of alternating runs, which other load on the machine affects alike. */
export interface PairedRatio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Divides the nth value by the nth limit. @throws RangeError when the counts differ */
export function pairedRatio(values: readonly number[], limits: readonly number[]): PairedRatio {
  if (values.length !== limits.length) throw new RangeError(`${values.length} values and ${limits.length} limits`);
  const ratios = values.map((value, at) => value / (limits[at] ?? Number.NaN));
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}
