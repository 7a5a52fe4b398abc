/** The upper ends of the buckets grow by 9 %, so that a percentile is at most 9 % too high. */
const GROWTH = 2 ** (1 / 8);
const SMALLEST_MS = 0.1;
/** The last bucket ends at 26 s; it also has all longer times. */
const LAST = 144;

/** Counts of durations by bucket. Counts of several processes can be added. */
export type BucketCounts = Readonly<Record<number, number>>;

/** Returns the index of the bucket of a duration. */
export function bucketOf(ms: number): number {
  if (!(ms > SMALLEST_MS)) return 0;
  return Math.min(LAST, Math.ceil(Math.log(ms / SMALLEST_MS) / Math.log(GROWTH)));
}

/** Returns a percentile in milliseconds: the upper end of its bucket. `null` without any duration. @param part such as 0.99 */
export function percentileMs(counts: BucketCounts, part: number): number | null {
  const buckets = Object.entries(counts)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .toSorted(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let left = Math.max(1, Math.ceil(part * total));
  for (const [bucket, count] of buckets) {
    left -= count;
    if (left <= 0) return Number((SMALLEST_MS * GROWTH ** bucket).toPrecision(3));
  }
  return null;
}
