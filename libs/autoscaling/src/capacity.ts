/**
 * Returns how many consumers' worth of work some consumers carry. A partition has one consumer, and the one with most partitions is the first
 * whose lag grows: of 12 partitions, seven consumers have two or one, and carry no more than six that have two each.
 */
export function carriedBy(consumers: number, partitions: number): number {
  if (consumers <= 0 || partitions <= 0) return 0;
  return consumers >= partitions ? partitions : partitions / Math.ceil(partitions / consumers);
}

/** Returns the numbers of consumers from `min` to `max` that carry more than any smaller one, ascending; `min` is always one. */
export function usefulCounts(min: number, max: number, partitions: number): number[] {
  const counts = [min];
  for (let count = min + 1; count <= max; count += 1)
    if (carriedBy(count, partitions) > carriedBy(counts.at(-1) ?? min, partitions)) counts.push(count);
  return counts;
}
