/** The middle one; of an even count the mean of the two in the middle. @throws RangeError for none */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('there is no median of no values');
  return (lower + upper) / 2;
}

/** The least value that so many of a hundred don't pass, by the nearest rank: 100 is the largest. @throws RangeError for none */
export function percentile(values: readonly number[], part: number): number {
  const value = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil((part / 100) * values.length)) - 1];
  if (value === undefined) throw new RangeError('there is no percentile of no values');
  return value;
}

/** How far the values lie apart, as a part of their median: 0.15 is 15 %. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** Ratios of runs that were made in turns, so that whatever the machine did meanwhile met both. */
export interface PairedRatio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Holds the nth value against the nth limit. @throws RangeError where there isn't one of each */
export function pairedRatio(values: readonly number[], limits: readonly number[]): PairedRatio {
  if (values.length !== limits.length) throw new RangeError(`${values.length} values and ${limits.length} limits`);
  const ratios = values.map((value, at) => value / (limits[at] ?? Number.NaN));
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}
